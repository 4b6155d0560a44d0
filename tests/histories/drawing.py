"""Histories of a single copy, as clients would see them: what the checker must accept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from .operations import FOREVER, Kind, Operation, Outcome
from .register import IMPOSSIBLE, State, execute, reply

KEY = b"key"


class Fate(Enum):
    """What becomes of an operation and of its reply."""

    ANSWERED = "answered"
    EXECUTED = "executed"  # its client does not learn it
    DROPPED = "dropped"  # its client does not learn it


@dataclass(frozen=True)
class Step:
    """One operation, under way from ``lead`` before its moment to ``lag`` after it."""

    kind: Kind
    lead: float
    lag: float
    fate: Fate = Fate.ANSWERED


def run(steps: list[Step]) -> list[Operation]:
    """Execute an operation at each whole second; each value that is set is another."""
    state: State = None
    operations = []
    for moment, step in enumerate(steps):
        argument = {Kind.SET: b"%d" % moment, Kind.INCR: b"1", Kind.APPEND: b"0"}
        operation = Operation(
            KEY,
            step.kind,
            argument.get(step.kind, b""),
            moment - step.lead,
            moment + step.lag if step.fate is Fate.ANSWERED else FOREVER,
            Outcome.OK if step.fate is Fate.ANSWERED else Outcome.UNKNOWN,
        )
        if step.fate is Fate.ANSWERED:
            operation = replace(operation, result=reply(state, operation))
        if step.fate is not Fate.DROPPED:
            state = execute(state, operation)
            assert state is not IMPOSSIBLE
        operations.append(operation)
    return operations
