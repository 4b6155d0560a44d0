"""Batches: what goes in comes out, and what is none is refused."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.link.batch import (
    DATABASES_MAX,
    DONE,
    LARGE_BYTES,
    NOT_OWNER,
    RECORDS_MAX,
    Record,
    database_of,
    decode_calls,
    decode_results,
    encode_batch,
    is_no_touch,
    protocol_of,
    word_of_call,
)
from memcloud.link.frames import Frame, FrameParser, Kind, LinkError

IDS = st.integers(0, 2**32 - 1)
DATABASES = st.integers(0, DATABASES_MAX - 1)
WORDS = st.builds(word_of_call, DATABASES, st.sampled_from([2, 3]), no_touch=st.booleans())
CALLS = st.lists(st.tuples(IDS, WORDS, st.binary(max_size=50)), max_size=20)
RESULTS = st.lists(
    st.tuples(IDS, st.just(DONE), st.binary(max_size=50))
    | st.tuples(IDS, st.just(NOT_OWNER), st.just(b"")),
    max_size=20,
)
DECODERS = pytest.mark.parametrize("decode", [decode_calls, decode_results])
Decode = Callable[[Frame], list[Record]]


def frame_of(data: bytes) -> Frame:
    """Return the frame in some bytes."""
    parser = FrameParser()
    parser.feed(data)
    frame = parser.maybe_take()
    assert frame is not None
    return frame


def encoded(kind: Kind, records: list[Record]) -> bytes:
    """Return the bytes of a batch."""
    return b"".join(encode_batch(kind, records))


@given(CALLS)
def test_calls_come_out_as_they_went_in(calls: list[Record]) -> None:
    """In their order, whatever their bytes are."""
    assert decode_calls(frame_of(encoded(Kind.CALLS, calls))) == calls


@given(RESULTS)
def test_results_come_out_as_they_went_in(results: list[Record]) -> None:
    """In their order, whatever their bytes are."""
    assert decode_results(frame_of(encoded(Kind.RESULTS, results))) == results


@given(st.lists(st.sampled_from([0, 1, LARGE_BYTES - 1, LARGE_BYTES, 2 * LARGE_BYTES]), max_size=6))
def test_large_records_are_sent_as_they_are(lengths: list[int]) -> None:
    """The value of a client is not copied once more, and small ones do not leave one by one."""
    results = [(number, DONE, b"x" * length) for number, length in enumerate(lengths)]
    pieces = encode_batch(Kind.RESULTS, results)
    assert decode_results(frame_of(b"".join(pieces))) == results
    large = [reply for _, _, reply in results if len(reply) >= LARGE_BYTES]
    assert [id(reply) for reply in large] == [id(piece) for piece in pieces[1::2]]
    assert all(pieces)


@given(DATABASES, st.sampled_from([2, 3]), st.booleans())
def test_the_word_of_a_call_tells_how_it_is_to_run(
    database: int, protocol: int, no_touch: bool
) -> None:
    """None of the three gets into the way of another."""
    word = word_of_call(database, protocol, no_touch=no_touch)
    assert (database_of(word), protocol_of(word), is_no_touch(word)) == (
        database,
        protocol,
        no_touch,
    )


def test_the_bytes_are_those_of_the_grammar() -> None:
    """Another implementation reads them by the text at the head of the module."""
    calls = [(0x01020304, word_of_call(5, 3, no_touch=True), b"*1\r\n$4\r\nPING\r\n")]
    assert encoded(Kind.CALLS, calls)[10:] == (
        b"\x04\x03\x02\x01\x05\x03\0\0\x0e\0\0\0*1\r\n$4\r\nPING\r\n"
    )
    results = [(7, DONE, b"+PONG\r\n"), (8, NOT_OWNER, b"")]
    assert encoded(Kind.RESULTS, results)[10:] == (
        b"\x07\0\0\0\0\0\0\0\x07\0\0\0+PONG\r\n\x08\0\0\0\x01\0\0\0\0\0\0\0"
    )


@DECODERS
@given(payload=st.binary(max_size=100))
def test_any_bytes_give_records_or_a_link_error(decode: Decode, payload: bytes) -> None:
    """A member that is broken or hostile gets no other reaction."""
    try:
        records = decode(Frame(Kind.CALLS, None, payload))
    except LinkError:
        return
    assert sum(12 + len(data) for _, _, data in records) == len(payload)


@given(CALLS.filter(bool), st.data())
def test_a_batch_that_is_cut_or_goes_on_is_refused(
    calls: list[Record], data: st.DataObject
) -> None:
    """A length that lies would shift all calls after it."""
    payload = encoded(Kind.CALLS, calls)[10:]
    last_start = len(payload) - 12 - len(calls[-1][2])
    cut = data.draw(st.integers(last_start + 1, len(payload) - 1))
    for broken in (payload[:cut], payload + b"\0" * data.draw(st.integers(1, 11))):
        with pytest.raises(LinkError):
            decode_calls(Frame(Kind.CALLS, None, broken))


@pytest.mark.parametrize("word", [0x0800, 0x8000, 0x10000, 0x0100_0000, 0xFFFF_FFFF])
def test_calls_with_flags_of_another_version_are_refused(word: int) -> None:
    """What they ask for would not be done."""
    with pytest.raises(LinkError, match="flags"):
        decode_calls(Frame(Kind.CALLS, None, struct.pack("<III", 1, word, 0)))


@pytest.mark.parametrize("record", [(1, 2, b""), (1, 256, b""), (1, NOT_OWNER, b"x")])
def test_results_that_cannot_be_are_refused(record: Record) -> None:
    """An outcome that is not understood must not be taken for a reply."""
    with pytest.raises(LinkError, match="status"):
        decode_results(frame_of(encoded(Kind.RESULTS, [record])))


@DECODERS
def test_a_frame_of_too_many_records_is_refused_cheaply(decode: Decode) -> None:
    """A record of no bytes costs its sender 12 and its reader ten times that."""
    most = b"\0" * 12 * RECORDS_MAX
    assert len(decode(Frame(Kind.CALLS, None, most))) == RECORDS_MAX
    frame = Frame(Kind.CALLS, None, b"\0" * (12 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(LinkError, match="too many"):
            decode(frame)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1 << 20
