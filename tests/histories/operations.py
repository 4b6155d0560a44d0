"""Operations on one key, when they were under way, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum

FOREVER = math.inf


class Kind(StrEnum):
    """What an operation does; all but WIPE are commands of Redis."""

    GET = "get"
    SET = "set"
    DEL = "del"
    INCR = "incr"  # by its argument
    APPEND = "append"
    WIPE = "wipe"  # the key is lost with the node that had its only copy: a fault, no command


class Outcome(Enum):
    """What its client knows of an operation."""

    OK = "ok"
    FAILED = "failed"  # it was surely not executed
    UNKNOWN = "unknown"  # it was executed, will be at any time, or never


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. Its effect, if any, falls at one moment between ``called`` and ``returned``.

    ``result`` is the reply: the value or None of GET, the number of DEL, INCR and APPEND.
    """

    key: bytes
    kind: Kind
    argument: bytes
    called: float
    returned: float
    outcome: Outcome = Outcome.OK
    result: bytes | int | None = None

    def __str__(self) -> str:
        argument = f" {self.argument!r}" if self.argument else ""
        result = f" -> {self.result!r}" if self.outcome is Outcome.OK else f" {self.outcome.value}"
        if self.kind in (Kind.SET, Kind.WIPE):
            result = result.removesuffix(" -> None")
        return f"[{self.called:.9g}, {self.returned:.9g}] {self.kind}{argument}{result}"


def wipe(key: bytes, since: float, until: float) -> Operation:
    """Return the permission to lose a key once, at some moment between two times."""
    return Operation(key, Kind.WIPE, b"", since, until, Outcome.UNKNOWN)


class History:
    """Collects operations as clients make them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._pending: dict[Pending, None] = {}
        self._finished: list[Operation] = []

    def call(self, key: bytes, kind: Kind, argument: bytes = b"") -> Pending:
        """Note that a client sends an operation; tell what comes of it to what is returned."""
        pending = Pending(self, key, kind, argument, self._now())
        self._pending[pending] = None
        return pending

    def operations(self) -> list[Operation]:
        """Return all operations. The outcome of those still under way is unknown."""
        under_way = [pending.operation(Outcome.UNKNOWN, FOREVER) for pending in self._pending]
        return self._finished + under_way

    def finish(self, pending: Pending, outcome: Outcome, result: bytes | int | None) -> None:
        """Note the end of an operation, once."""
        del self._pending[pending]
        returned = FOREVER if outcome is Outcome.UNKNOWN else self._now()
        self._finished.append(pending.operation(outcome, returned, result))


class Pending:
    """An operation under way."""

    def __init__(
        self, history: History, key: bytes, kind: Kind, argument: bytes, called: float
    ) -> None:
        self._history = history
        self._key = key
        self._kind = kind
        self._argument = argument
        self._called = called

    def answered(self, result: bytes | int | None = None) -> None:
        """It was executed."""
        self._history.finish(self, Outcome.OK, result)

    def refused(self) -> None:
        """It was surely not executed."""
        self._history.finish(self, Outcome.FAILED, None)

    def lost(self) -> None:
        """Nobody can say whether it was executed."""
        self._history.finish(self, Outcome.UNKNOWN, None)

    def operation(
        self, outcome: Outcome, returned: float, result: bytes | int | None = None
    ) -> Operation:
        """Return the operation with an end."""
        return Operation(
            self._key, self._kind, self._argument, self._called, returned, outcome, result
        )
