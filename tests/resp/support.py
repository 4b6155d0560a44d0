"""What the tests of the codec share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from memcloud.resp import ACCELERATED, Limits, Parser, ProtocolError
from memcloud.resp._parser_py import Parser as PlainParser

Outcome = tuple[list[list[bytes]], str | None]
"""The commands of a stream, and the text of the error that ended it, if one did."""

LONG_BYTES: Final = 4096
"""Streams beyond this are not cut everywhere, which would take minutes."""

PARSERS: Final[list[type[Parser]]] = [PlainParser, *([Parser] if ACCELERATED else [])]
"""Every implementation there is: whatever holds for one must hold for the other."""


def command(*arguments: bytes) -> bytes:
    """A request as client libraries write it."""
    bulks = b"".join(b"$%d\r\n%b\r\n" % (len(each), each) for each in arguments)
    return b"*%d\r\n%b" % (len(arguments), bulks)


def take_all(parser: Parser) -> Iterator[list[bytes]]:
    """The commands that are whole by now."""
    return iter(parser.take, None)


def outcome(parser: Parser, pieces: Iterable[bytes]) -> Outcome:
    """What comes out when the pieces arrive one by one."""
    commands: list[list[bytes]] = []
    try:
        for piece in pieces:
            parser.feed(piece)
            commands.extend(take_all(parser))
    except ProtocolError as error:
        return commands, str(error)
    return commands, None


def parse(stream: bytes, limits: Limits | None = None) -> Outcome:
    """What comes out of the plain parser when ``stream`` arrives whole."""
    return outcome(PlainParser(limits), [stream])


def halves(stream: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The stream in two pieces, cut at every place; a long one only near its ends."""
    cuts = range(len(stream) + 1)
    near_ends = [*cuts[:20], *cuts[-20:]]
    for cut in cuts if len(stream) <= LONG_BYTES else near_ends:
        yield stream[:cut], stream[cut:]


def single_bytes(stream: bytes) -> list[bytes]:
    """The stream byte by byte."""
    return [stream[index : index + 1] for index in range(len(stream))]
