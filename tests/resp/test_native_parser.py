"""What only the native parser has: bytes that are lent, places to land, memory of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from memcloud.resp import Limits, ProtocolError

from .side_by_side import NativeParser, new_lender
from .support import command, take_all
from .test_parser_memory import KIB, MIB, measured_peak


def test_an_idle_parser_is_small_and_has_no_buffer() -> None:
    """A node may have ten thousand of them."""
    parsers = [NativeParser(Limits()) for _ in range(100)]
    assert sys.getsizeof(parsers[0]) < 300
    request = command(b"SET", b"k", b"v" * 30_000)
    with measured_peak() as peak:
        for parser in parsers:
            # Cut, so that there was a buffer.
            parser.feed(bytearray(request[:20_000]))
            assert parser.take() is None
            parser.feed(request[20_000:] + command(b"PING") * 100)
            assert len(list(take_all(parser))) == 101
    # Two of them at a time at most have something.
    assert peak.bytes_more < 200 * KIB


def test_a_long_pipeline_leaves_no_large_buffer() -> None:
    """What is left of it may be a few bytes, and may stay for as long as the client likes."""
    pipeline = command(b"PING") * 100_000 + b"*1\r\n$4\r\nPI"
    for kind in (bytes, bytearray):
        parser = NativeParser()
        parser.feed(b"*1\r\n")
        parser.feed(kind(pipeline[4:]))
        assert len(list(take_all(parser))) == 100_000
        with measured_peak() as peak:
            parser.feed(b"N")
            assert parser.take() is None
        assert peak.bytes_more < 16 * KIB
        assert parser.buffered_bytes == len(b"*1\r\n$4\r\nPIN")


def test_a_large_argument_is_in_memory_once() -> None:
    """Other than in the plain parser, which joins it from its pieces."""
    length = 16 * MIB
    parser = NativeParser()
    with measured_peak() as peak:
        parser.feed(b"*2\r\n$3\r\nGET\r\n$%d\r\n" % length)
        for _ in range(length // MIB):
            parser.feed(b"x" * MIB)
            assert parser.take() is None
        parser.feed(b"\r\n")
        assert len((parser.take() or [])[1]) == length
    assert peak.bytes_more < length + 2 * MIB


@pytest.mark.parametrize("way", ["fed", "lent"])
def test_a_large_argument_grows_with_what_has_arrived(way: str) -> None:
    """To 8 KiB before any of it is here, to a MiB when 16 KiB are, then to 64 times as much."""
    parser = NativeParser()
    lender = new_lender(parser)
    commands: list[list[bytes]] = []
    header = b"*1\r\n$%d\r\n" % (256 * MIB)
    lender.arrive(header, commands)
    arrived = 0
    for size in (1, 8 * KIB - 1, 1, 8 * KIB - 1, 100 * KIB, MIB, MIB, 7 * MIB):
        if way == "lent":
            lender.arrive(b"x" * size, commands)
        else:
            parser.feed(b"x" * size)
        arrived += size
        room = arrived + lender.landing_bytes()
        assert arrived < room
        if arrived >= MIB:
            assert room <= 64 * (arrived + 1)
        else:
            assert room <= max(2 * arrived + 2, 8 * KIB if arrived < 16 * KIB - 1 else MIB)
    assert parser.buffered_bytes == len(header) + arrived
    assert commands == []


def test_a_place_to_land_is_there_for_large_arguments_alone() -> None:
    """Small ones share a buffer, and the two bytes behind an argument belong to nobody."""
    parser = NativeParser()
    lender = new_lender(parser)
    commands: list[list[bytes]] = []
    assert lender.landing_bytes() == 0
    lender.arrive(b"*2\r\n$65535\r\nabc", commands)
    assert lender.landing_bytes() == 0
    lender.arrive(b"x" * 65532 + b"\r\n$65536\r\n", commands)
    assert lender.landing_bytes() > 0
    lender.arrive(b"y" * 65536, commands)
    assert lender.landing_bytes() == 0
    assert not lender.is_between()
    lender.arrive(b"\r\n", commands)
    assert commands == [[b"abc" + b"x" * 65532, b"y" * 65536]]
    assert lender.is_between()


def test_nothing_lands_after_an_error() -> None:
    """The stream is out of step, and what has begun is gone."""
    parser = NativeParser()
    lender = new_lender(parser)
    with pytest.raises(ProtocolError):
        lender.arrive(b"*2\r\n$100000\r\n" + b"x" * 100_002 + b"?\r\n", [])
    assert lender.landing_bytes() == 0
    assert parser.buffered_bytes == 0
    with pytest.raises(ProtocolError, match="expected '\\$', got '\\?'"):
        parser.take()


# With so little memory left that a large argument cannot grow: 300 MiB of address space for one of
# 400 MiB.
_OUT_OF_MEMORY = """
import resource
from memcloud.resp import ProtocolError
from memcloud.resp._parser_c import Parser
from tests.resp.support import command
pages = int(open("/proc/self/statm").read().split()[0])
room = pages * resource.getpagesize() + 300 * 1024 * 1024
resource.setrlimit(resource.RLIMIT_AS, (room, room))
parser = Parser()
parser.feed(b"*1\\r\\n$419430400\\r\\n")
assert parser.take() is None
try:
    while True:
        parser.feed(bytes(1024 * 1024))
except MemoryError:
    print(parser.buffered_bytes)
parser.feed(command(b"FLUSHALL"))
try:
    parser.take()
except ProtocolError as error:
    print(error)
"""


def test_without_memory_for_an_argument_nothing_more_is_read() -> None:
    """Its end would be taken for commands."""
    done = subprocess.run(
        [sys.executable, "-c", _OUT_OF_MEMORY], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["0", "Protocol error: no memory for a request"], done.stderr
