"""Memory and effort of the parser: bounded by what was received, whatever is claimed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from memcloud.resp import Decoder, Parser
from memcloud.resp.decoder import INCOMPLETE

from .support import PARSERS, command, take_all

KIB = 1024
MIB = 1024 * KIB

parsers = pytest.mark.parametrize("parser_class", PARSERS)


class Peak:
    """How much more memory was in use at the worst moment than at first."""

    bytes_more = 0


@contextmanager
def measured_peak() -> Iterator[Peak]:
    """Watches what is allocated in its block."""
    peak = Peak()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield peak
        peak.bytes_more = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@parsers
@pytest.mark.parametrize(
    "claim",
    [b"*2\r\n$4\r\nECHO\r\n$536870912\r\n", b"*1048576\r\n", b"*1048576\r\n$536870912\r\nabc"],
)
def test_what_is_only_claimed_takes_no_memory(parser_class: type[Parser], claim: bytes) -> None:
    """A stranger could take all of it with a few bytes."""
    parser = parser_class()
    with measured_peak() as peak:
        for _ in range(3):
            parser.feed(claim)
            claim = b"x"
            assert parser.take() is None
    assert peak.bytes_more < 16 * KIB
    assert parser.buffered_bytes < 64


@pytest.mark.parametrize("claim", [b"$536870912\r\n", b"*2147483647\r\n", b"%1000000000\r\n"])
def test_a_claimed_reply_takes_no_memory(claim: bytes) -> None:
    """The same from a peer."""
    decoder = Decoder()
    with measured_peak() as peak:
        decoder.feed(claim)
        assert decoder.take() is INCOMPLETE
    assert peak.bytes_more < 16 * KIB


@parsers
@pytest.mark.parametrize("piece_bytes", [64 * KIB, 1000 * KIB + 1])
def test_a_long_argument_takes_twice_its_bytes(
    parser_class: type[Parser], piece_bytes: int
) -> None:
    """Once as it arrived, once as it is handed on."""
    length = 16 * MIB
    parser = parser_class()
    with measured_peak() as peak:
        parser.feed(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % length)
        for _ in range(length // piece_bytes):
            parser.feed(b"x" * piece_bytes)
            assert parser.take() is None
        parser.feed(b"x" * (length % piece_bytes) + b"\r\nPI")
        taken = parser.take()
    assert taken is not None
    assert len(taken[2]) == length
    assert parser.buffered_bytes == 2
    # The bytes as they gather are in a bytearray, which takes an eighth more in advance.
    assert peak.bytes_more < 2.125 * length + 2 * piece_bytes + 64 * KIB


@parsers
def test_small_pieces_take_no_more_memory(parser_class: type[Parser]) -> None:
    """Kept one by one, pieces of two bytes would take twenty times as much."""
    parser = parser_class()
    parser.feed(b"*1\r\n$1000000\r\n")
    pieces = 100_000
    with measured_peak() as peak:
        for _ in range(pieces):
            parser.feed(b"ab")
            assert parser.take() is None
    # A large argument may have a MiB at once.
    assert peak.bytes_more < MIB + 4 * 2 * pieces


@parsers
def test_a_long_pipeline_is_read_to_its_end(parser_class: type[Parser]) -> None:
    """If each command moved the rest, this would copy terabytes; the test's timeout tells."""
    count = 200_000
    parser = parser_class()
    parser.feed(command(b"SET", b"key", b"v" * 30) * count)
    assert count == sum(1 for _ in take_all(parser))


@parsers
def test_a_pipeline_of_lines_is_read_to_its_end(parser_class: type[Parser]) -> None:
    """They have no CR, for which the parser must not search all that is there."""
    count = 200_000
    parser = parser_class()
    parser.feed(b"ECHO abcdefghijklmnopqrstuvwxyz\n" * count)
    assert count == sum(1 for _ in take_all(parser))


@parsers
def test_many_arguments_in_small_pieces_are_read_once(parser_class: type[Parser]) -> None:
    """If each piece began the command anew, this would read hundreds of millions."""
    count = 100_000
    whole = command(*[b"abcdefgh"] * count)
    parser = parser_class()
    for start in range(0, len(whole) - 100, 100):
        parser.feed(whole[start : start + 100])
        assert parser.take() is None
    assert parser.buffered_bytes > 8 * count - 200
    parser.feed(whole[-(len(whole) - start - 100) :])
    assert parser.take() == [b"abcdefgh"] * count
    assert parser.buffered_bytes == 0


def test_a_long_reply_in_small_pieces_is_read_once() -> None:
    """A list of many keys comes so."""
    count = 50_000
    whole = command(*[b"abcdefgh"] * count)
    decoder = Decoder()
    replies = []
    for start in range(0, len(whole), 100):
        decoder.feed(whole[start : start + 100])
        reply = decoder.take()
        if reply is not INCOMPLETE:
            replies.append(reply)
    assert [[b"abcdefgh"] * count] == replies
