"""Both parsers on one stream, step by step: whatever can be seen of them must be the same."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import process_time
from typing import Any, Final

from memcloud.resp import Limits, ProtocolError
from memcloud.resp._parser_py import Parser as PlainParser

from .support import take_all

# Also where the plain one is in use; as they have one interface, one type will do.
NativeParser: type[PlainParser] = importlib.import_module("memcloud.resp._parser_c").Parser
_lender_c = importlib.import_module("tests.resp._lender_c")

Seen = tuple[list[list[bytes]], str | None, int]
"""The commands of a step, the text of the error that ended it, and `buffered_bytes` after it."""


@dataclass(frozen=True)
class Step:
    """Some bytes arrive, in one of `WAYS`, and commands are taken.

    ``takes`` is how often, None as long as there are any. Who lends bytes always takes all.
    """

    piece: bytes
    way: str = "bytes"
    takes: int | None = None
    limits: Limits | None = None


def _window(piece: bytes) -> memoryview:
    """The bytes as a part of others."""
    return memoryview(b"*" + piece + b"*")[1:-1]


_AS_GIVEN: Final[dict[str, Callable[[bytes], bytes | bytearray | memoryview]]] = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": _window,
}
WAYS: Final = [*_AS_GIVEN, "lent"]


def _take(parser: PlainParser, takes: int, commands: list[list[bytes]]) -> None:
    for _ in range(takes):
        command = parser.take()
        if command is not None:
            commands.append(command)


def _advance(parser: PlainParser, step: Step, lender: Any) -> Seen:
    """Let a step happen to a parser, by way of its lender if it has one."""
    commands: list[list[bytes]] = []
    error = None
    if step.limits is not None:
        # Another object for each: what one does to it must not help the other.
        parser.limits = replace(step.limits)
    try:
        if lender is not None and step.way == "lent":
            lender.arrive(step.piece, commands)
        else:
            parser.feed(_AS_GIVEN.get(step.way, bytes)(step.piece))
            if step.takes is None or step.way == "lent":
                commands.extend(take_all(parser))
            else:
                _take(parser, step.takes, commands)
    except ProtocolError as caught:
        error = str(caught)
    return commands, error, parser.buffered_bytes


def new_lender(parser: PlainParser) -> Any:
    """Return what gives a native parser its bytes as a native session does."""
    return _lender_c.Lender(parser)


def compare(steps: Sequence[Step]) -> float:
    """Let both parsers take the same steps; return the seconds of CPU that the native one took.

    Fails at the first step that shows a difference.
    """
    plain, native = PlainParser(), NativeParser()
    lender = new_lender(native)
    seconds = 0.0
    for number, step in enumerate(steps):
        expected = _advance(plain, step, None)
        started = process_time()
        got = _advance(native, step, lender)
        seconds += process_time() - started
        assert expected == got, f"step {number}"
        is_between = plain._arguments is None and plain._failure is None
        assert is_between == lender.is_between(), f"step {number}"
    return seconds
