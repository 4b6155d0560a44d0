"""One key, executed one operation after the other: what a history is held to."""

from __future__ import annotations

from enum import Enum

from .operations import Kind, Operation, Outcome


class Special(Enum):
    """States that are no value."""

    WHATEVER = "whatever"  # nothing is known of the key; any reply fits
    IMPOSSIBLE = "impossible"  # the client was told something else


WHATEVER = Special.WHATEVER
IMPOSSIBLE = Special.IMPOSSIBLE
State = bytes | None | Special


def execute(state: State, operation: Operation) -> State:
    """Return the state after an operation, IMPOSSIBLE if its reply does not fit."""
    kind = operation.kind
    if kind is Kind.SET:
        return operation.argument
    if kind is Kind.WIPE:
        return None
    if operation.outcome is not Outcome.OK:
        return _after(state, operation)
    if state is WHATEVER:
        return _learned(operation)
    due, after = reply(state, operation), _after(state, operation)
    return after if operation.result == due else IMPOSSIBLE


def reply(state: State, operation: Operation) -> bytes | int | None:
    """Return what a client is to be told of an operation on a known state."""
    assert not isinstance(state, Special)
    match operation.kind:
        case Kind.SET | Kind.WIPE:
            return None
        case Kind.GET:
            return state
        case Kind.DEL:
            return int(state is not None)
        case Kind.INCR:
            return _sum(state, operation)
        case Kind.APPEND:
            return len(state or b"") + len(operation.argument)


def _after(state: State, operation: Operation) -> State:
    if operation.kind is Kind.DEL:
        return None
    if operation.kind is Kind.GET or isinstance(state, Special):
        return state
    if operation.kind is Kind.APPEND:
        return (state or b"") + operation.argument
    number = _sum(state, operation)
    return IMPOSSIBLE if number is None else str(number).encode()


def _sum(state: bytes | None, operation: Operation) -> int | None:
    """Return what INCR makes of a value, None where Redis would refuse."""
    try:
        return int(state or b"0") + int(operation.argument)
    except ValueError:
        return None


def _learned(operation: Operation) -> State:
    """Return what a reply tells of a key of which nothing was known."""
    match operation.kind:
        case Kind.GET:
            assert not isinstance(operation.result, int)
            return operation.result
        case Kind.INCR:
            return str(operation.result).encode()
        case Kind.DEL:
            return None
        case _:
            return WHATEVER
