"""Whether the operations on one key can be put in an order that explains every reply.

The search of Wing and Gong (1993) with the memory of Lowe (2017): execute one operation after the
other, always one that no other must precede, and go back when a reply does not fit. A place where
one has been is remembered by what is done and the state that it led to, since how one came there
does not matter.

An operation whose outcome is unknown may be executed at any moment from its call on, or never. A
wipe has an end as well: it cannot follow an operation that was called after that end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from enum import Enum
from operator import attrgetter
from typing import NamedTuple

from .operations import Kind, Operation, Outcome
from .register import IMPOSSIBLE, State, execute

STEPS_MAX = 300_000  # some seconds

Numbered = list[tuple[int, Operation]]


class Verdict(Enum):
    """What is known of a history."""

    LINEARIZABLE = "linearizable"
    VIOLATION = "violation"
    UNDECIDED = "undecided"  # the work allowed was not enough


def search(
    operations: Iterable[Operation], state: State = None, *, steps_max: int = STEPS_MAX
) -> Verdict:
    """Judge the operations on one key that had a certain state before them."""
    ordered = sorted(operations, key=attrgetter("called"))
    certain = [operation for operation in ordered if operation.outcome is Outcome.OK]
    possible = [operation for operation in ordered if operation.outcome is Outcome.UNKNOWN]
    start = _Place(0, 0, 0, state, -math.inf)
    seen = {start}
    paths = [start]
    for _ in range(steps_max):
        if not paths:
            return Verdict.VIOLATION
        place = paths.pop()
        if place.done == len(certain):
            return Verdict.LINEARIZABLE
        for following in _ways_on(place, certain, possible):
            if following not in seen:
                seen.add(following)
                paths.append(following)
    return Verdict.UNDECIDED


class _Place(NamedTuple):
    """What is done. A bit of ``ahead`` is a certain operation, counted from ``done`` on."""

    done: int  # so many certain operations without a gap
    ahead: int
    taken: int  # a bit for each possible operation
    state: State
    latest: float  # the last call among what is done

    def after_certain(self, index: int, operation: Operation, state: State) -> _Place:
        done, ahead = self.done, self.ahead | 1 << (index - self.done)
        while ahead & 1:
            done, ahead = done + 1, ahead >> 1
        return _Place(done, ahead, self.taken, state, max(self.latest, operation.called))

    def after_possible(self, index: int, operation: Operation, state: State) -> _Place:
        latest = max(self.latest, operation.called)
        return _Place(self.done, self.ahead, self.taken | 1 << index, state, latest)


def _ways_on(
    place: _Place, certain: list[Operation], possible: list[Operation]
) -> Iterator[_Place]:
    """Yield the places one operation further; the last is the likeliest."""
    ready, due = _ready(place, certain)
    free = [
        (index, operation)
        for index, operation in enumerate(possible)
        if operation.called <= due
        and operation.returned >= place.latest
        and not place.taken >> index & 1
    ]
    # A read that fits can come first wherever it may, unless a wipe had to come before its call.
    last_calls = min((operation.returned for _, operation in free), default=math.inf)
    for index, operation in ready:
        is_read = operation.kind is Kind.GET and operation.result == place.state
        if is_read and operation.called <= last_calls:
            yield place.after_certain(index, operation, place.state)
            return
    for index, operation in free:
        state = execute(place.state, operation)
        if state not in (IMPOSSIBLE, place.state) and _matters(state, ready, free):
            yield place.after_possible(index, operation, state)
    for index, operation in sorted(ready, key=lambda pair: pair[1].returned, reverse=True):
        state = execute(place.state, operation)
        if state is not IMPOSSIBLE:
            yield place.after_certain(index, operation, state)


def _matters(state: State, ready: Numbered, free: Numbered) -> bool:
    """Return whether an operation other than one that overwrites it can come after a state.

    What was overwritten before anybody saw it might as well not have been executed.
    """
    return any(operation.kind in (Kind.INCR, Kind.APPEND) for _, operation in free) or any(
        operation.kind is not Kind.SET and execute(state, operation) is not IMPOSSIBLE
        for _, operation in ready
    )


def _ready(place: _Place, certain: list[Operation]) -> tuple[Numbered, float]:
    """Return the certain operations that may come next, and when the first of them returned."""
    ready = []
    due = math.inf
    for index in range(place.done, len(certain)):
        operation = certain[index]
        if operation.called > due:
            break
        if not place.ahead >> (index - place.done) & 1:
            ready.append((index, operation))
            due = min(due, operation.returned)
    return ready, due
