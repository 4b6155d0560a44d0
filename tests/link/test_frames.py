"""Frames: cut anywhere they come out the same, and what is none is refused early."""

from __future__ import annotations

import struct
import tracemalloc

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.link.frames import (
    FRAME_BYTES_MAX,
    GREETING_BYTES_MAX,
    META_BYTES_MAX,
    WITH_PAYLOAD,
    Frame,
    FrameParser,
    Kind,
    LinkError,
    encode_frame,
    encode_head,
)

METAS = st.recursive(
    st.integers(0, 2**64 - 1) | st.text(max_size=20) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=10,
)
OTHERS = [kind for kind in Kind if kind not in WITH_PAYLOAD]
FRAMES = st.builds(Frame, st.sampled_from(OTHERS), METAS) | st.builds(
    Frame, st.sampled_from(WITH_PAYLOAD), st.none(), st.binary(max_size=200)
)


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame of any kind."""
    if frame.kind in WITH_PAYLOAD:
        return encode_head(frame.kind, len(frame.payload)) + frame.payload
    return encode_frame(frame.kind, frame.meta)


def parse(pieces: list[bytes]) -> list[Frame]:
    """Return all frames in a stream that comes in pieces."""
    parser = FrameParser()
    frames = []
    for piece in pieces:
        parser.feed(piece)
        while (frame := parser.maybe_take()) is not None:
            frames.append(frame)
    return frames


@given(st.lists(FRAMES, max_size=5), st.data())
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    frames: list[Frame], data: st.DataObject
) -> None:
    """TCP keeps bytes in order and nothing else."""
    stream = b"".join(encode(frame) for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert parse(pieces) == frames
    assert parse([bytes([byte]) for byte in stream]) == frames


@given(st.binary(max_size=300))
def test_any_bytes_give_frames_or_a_link_error(garbage: bytes) -> None:
    """A hostile peer gets no other reaction out of the parser."""
    try:
        parse([garbage])
    except LinkError:
        return


@given(FRAMES, st.data())
def test_a_frame_with_a_changed_byte_gives_a_frame_or_a_link_error(
    frame: Frame, data: st.DataObject
) -> None:
    """Close to a frame is where parsers break."""
    stream = bytearray(encode(frame))
    position = data.draw(st.integers(0, len(stream) - 1))
    stream[position] = data.draw(st.integers(0, 255))
    try:
        parse([bytes(stream)])
    except LinkError:
        return


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("!IBBI", 5, Kind.PING, 1, 0),  # shorter than its own head
        struct.pack("!IBBI", FRAME_BYTES_MAX + 1, Kind.PING, 1, 0),
        struct.pack("!IBBI", 100, Kind.PING, 2, 10),  # another version
        struct.pack("!IBBI", 100, 99, 1, 10),  # an unknown kind
        struct.pack("!IBBI", 100, Kind.PING, 1, 95),  # meta data beyond the frame
        struct.pack("!IBBI", 100, Kind.PING, 1, 93),  # something behind the meta data
        struct.pack("!IBBI", 100, Kind.CALLS, 1, 1),  # meta data of a batch
        struct.pack("!IBBI", 100, Kind.MESSAGE, 1, 94),  # and of a message
        struct.pack("!IBBI", 1 << 20, Kind.PING, 1, META_BYTES_MAX + 1),
        b"GET / HTTP/1.1\r\n",
    ],
)
def test_what_is_no_frame_is_refused_by_its_head(head: bytes) -> None:
    """Nothing is waited for, or kept, that a stranger has only announced."""
    with pytest.raises(LinkError):
        parse([head])


@pytest.mark.parametrize(
    "meta",
    [
        b"\x90" * 5000,  # more objects than one
        b"\xdc\xff\xff",  # an array of 65535 that is not there
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x91" * 60000,  # nested without end
        b"\xc7\x01\x05x",  # an extension type
        msgpack.packb(["x" * 5000]),
        msgpack.packb({1: 2}),  # a key that is no text
        b"\xa1\xff",  # text that is no UTF-8
        b"",
    ],
)
def test_hostile_meta_data_is_refused_cheaply(meta: bytes) -> None:
    """msgpack can announce a hundred times what it sends; see also its own limits."""
    frame = struct.pack("!IBBI", 6 + len(meta), Kind.PING, 1, len(meta)) + meta
    tracemalloc.start()
    try:
        with pytest.raises(LinkError):
            parse([frame])
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 4 << 20


def test_memory_grows_with_what_has_come_only() -> None:
    """A gigabyte is announced and a byte sent."""
    parser = FrameParser()
    tracemalloc.start()
    try:
        parser.feed(struct.pack("!IBBI", 1 << 30, Kind.CALLS, 1, 0) + b"x")
        assert parser.maybe_take() is None
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 1 << 20


def test_a_limit_that_is_lifted_holds_from_then_on() -> None:
    """A stranger may send a greeting only, a member also a batch."""
    parser = FrameParser(GREETING_BYTES_MAX)
    parser.feed(encode_frame(Kind.HELLO, []) + encode_head(Kind.CALLS, 1 << 20))
    assert parser.maybe_take() == Frame(Kind.HELLO, [])
    with pytest.raises(LinkError, match="announced"):
        parser.maybe_take()
    parser.frame_bytes_max = FRAME_BYTES_MAX
    assert parser.maybe_take() is None


def test_the_largest_greeting_is_within_its_limit() -> None:
    """Else a node with much to say could never be greeted."""
    parser = FrameParser(GREETING_BYTES_MAX)
    parser.feed(encode_head(Kind.HELLO, 0, META_BYTES_MAX))
    assert parser.maybe_take() is None


def test_too_much_meta_data_is_not_sent() -> None:
    """The other side would close the link for it."""
    with pytest.raises(ValueError, match="over the limit"):
        encode_frame(Kind.PING, "x" * (META_BYTES_MAX + 1))


def test_nor_is_too_large_a_batch() -> None:
    """Up to the limit it is."""
    assert len(encode_head(Kind.CALLS, FRAME_BYTES_MAX - 6)) == 10
    with pytest.raises(ValueError, match="over the limit"):
        encode_head(Kind.CALLS, FRAME_BYTES_MAX - 5)
