"""Judges a history key by key, since operations on different keys say nothing of each other."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from . import zones
from .linearizability import STEPS_MAX, Verdict, search
from .operations import Operation, Outcome
from .register import WHATEVER, State

NARROWING_STEPS_MAX = 20_000  # for each of some twenty searches; short of that the window is wider


@dataclass(frozen=True, slots=True)
class Violation:
    """A key whose replies no single copy could have given, and operations that show it."""

    key: bytes
    window: tuple[Operation, ...]

    def __str__(self) -> str:
        return "\n  ".join([f"no order explains what was said of {self.key!r}:",
                            *map(str, self.window)])  # fmt: skip


@dataclass(slots=True)
class Report:
    """What came of the keys of a history."""

    operations: int = 0
    keys: int = 0
    violations: list[Violation] = field(default_factory=list)
    undecided: list[bytes] = field(default_factory=list)

    @property
    def is_linearizable(self) -> bool:
        """Whether that is certain of every key."""
        return not self.violations and not self.undecided

    def __str__(self) -> str:
        lines = [f"{self.operations} operations on {self.keys} keys,"
                 f" {len(self.violations)} violated, {len(self.undecided)} undecided"]  # fmt: skip
        return "\n".join([*lines, *map(str, self.violations)])


def check(operations: Iterable[Operation], *, steps_max: int = STEPS_MAX) -> Report:
    """Judge a history; ``steps_max`` bounds the work for each key."""
    by_key: dict[bytes, list[Operation]] = {}
    for operation in operations:
        if operation.outcome is not Outcome.FAILED:
            by_key.setdefault(operation.key, []).append(operation)
    report = Report(sum(map(len, by_key.values())), len(by_key))
    for key, of_key in sorted(by_key.items()):
        verdict, window = _judge(of_key, steps_max)
        if verdict is Verdict.VIOLATION:
            window.sort(key=lambda operation: operation.called)
            shown = tuple(operation for operation in window if operation.called > -math.inf)
            report.violations.append(Violation(key, shown))
        elif verdict is Verdict.UNDECIDED:
            report.undecided.append(key)
    return report


def _judge(operations: list[Operation], steps_max: int) -> tuple[Verdict, list[Operation]]:
    groups = zones.maybe_groups(operations)
    if groups is not None:
        conflict = zones.maybe_conflict(groups)
        return (Verdict.LINEARIZABLE, []) if conflict is None else (Verdict.VIOLATION, conflict)
    verdict = search(operations, steps_max=steps_max)
    if verdict is not Verdict.VIOLATION:
        return verdict, []
    return verdict, narrowest(operations)


def narrowest(
    operations: Sequence[Operation], steps_max: int = NARROWING_STEPS_MAX
) -> list[Operation]:
    """Return what happened in the shortest time, ending as early as possible, that has no order.

    Where nothing short of the whole past will do, it begins with the key's first operation.
    """

    def fails(since: float, until: float, state: State) -> bool:
        window = _within(operations, since, until)
        return search(window, state, steps_max=steps_max) is Verdict.VIOLATION

    certain = [operation for operation in operations if operation.outcome is Outcome.OK]
    ends = sorted({operation.returned for operation in certain})
    shortest = bisect_left(
        ends, True, hi=len(ends) - 1, key=lambda end: fails(-math.inf, end, None)
    )
    until = ends[shortest]
    begins = sorted({o.called for o in certain if o.called <= until}, reverse=True)
    place = bisect_left(begins, True, key=lambda begin: fails(begin, until, WHATEVER))
    since = begins[place] if place < len(begins) else -math.inf
    return _within(operations, since, until)


def _within(operations: Iterable[Operation], since: float, until: float) -> list[Operation]:
    """Return what was under way between two times; what reached beyond may have no effect there."""
    return [
        operation
        if since <= operation.called and operation.returned <= until
        else replace(operation, outcome=Outcome.UNKNOWN)
        for operation in operations
        if operation.called <= until and operation.returned >= since
    ]
