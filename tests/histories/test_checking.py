"""The checker: what it accepts and refuses, and that brute force says the same."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import chain, combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from . import zones
from .checking import check
from .drawing import KEY, Fate, Step, run
from .linearizability import Verdict, search
from .operations import FOREVER, History, Kind, Operation, Outcome, wipe
from .register import IMPOSSIBLE, State, execute

ANY = tuple(kind for kind in Kind if kind is not Kind.WIPE)
REGISTER = (Kind.GET, Kind.SET)


def read(value: bytes | None, called: float, returned: float) -> Operation:
    return Operation(KEY, Kind.GET, b"", called, returned, result=value)


def write(value: bytes, called: float, returned: float) -> Operation:
    return Operation(KEY, Kind.SET, value, called, returned)


def lost_write(value: bytes, called: float) -> Operation:
    return Operation(KEY, Kind.SET, value, called, FOREVER, Outcome.UNKNOWN)


def delete(called: float, returned: float, count: int) -> Operation:
    return Operation(KEY, Kind.DEL, b"", called, returned, result=count)


def increase(called: float, returned: float, result: int) -> Operation:
    return Operation(KEY, Kind.INCR, b"1", called, returned, result=result)


def lost_increase(called: float) -> Operation:
    return Operation(KEY, Kind.INCR, b"1", called, FOREVER, Outcome.UNKNOWN)


def append(value: bytes, called: float, returned: float, length: int) -> Operation:
    return Operation(KEY, Kind.APPEND, value, called, returned, result=length)


LINEARIZABLE = {
    "nothing": [],
    "a read beside a write sees it": [write(b"a", 0, 10), read(b"a", 1, 2)],
    "or not": [write(b"a", 0, 10), read(None, 1, 2)],
    "two writes at once end either way": [
        write(b"a", 0, 10), write(b"b", 0, 10), read(b"b", 11, 12), read(b"b", 13, 14),
    ],
    "reads of two writes in the order in which the writes returned or the other": [
        write(b"a", 0, 10), write(b"b", 0, 9), read(b"b", 2, 3), read(b"a", 4, 5),
    ],
    "a write of unknown outcome is seen late": [
        write(b"a", 0, 1), lost_write(b"b", 2), read(b"a", 3, 4), read(b"b", 50, 51),
    ],
    "or never": [write(b"a", 0, 1), lost_write(b"b", 2), read(b"a", 3, 4), read(b"a", 50, 51)],
    "a counter that skips where an outcome is unknown": [
        increase(0, 1, 1), lost_increase(2), increase(3, 4, 3),
    ],
    "a deletion between two reads": [
        write(b"a", 0, 1), read(b"a", 2, 3), delete(3, 8, 1), read(None, 4, 5),
    ],
    "two appends at once": [append(b"x", 0, 10, 3), append(b"yz", 0, 10, 2), read(b"yzx", 11, 12)],
    "a wipe within its time": [write(b"a", 0, 1), wipe(KEY, 2, 4), read(None, 3, 6)],
    "a wipe that did not come": [write(b"a", 0, 1), wipe(KEY, 2, 4), read(b"a", 9, 10)],
    "one that has returned when the other is called, to the tick": [
        write(b"a", 0, 1), read(None, 1, 2),
    ],
}  # fmt: skip

VIOLATIONS = {
    "an acknowledged write is lost": [write(b"a", 0, 1), read(None, 2, 3)],
    "a stale read": [write(b"a", 0, 1), write(b"b", 2, 3), read(b"a", 4, 5)],
    "a read goes back": [
        write(b"a", 0, 1), write(b"b", 2, 20), read(b"b", 3, 4), read(b"a", 5, 6),
    ],
    "a value from nowhere": [write(b"a", 0, 1), read(b"b", 2, 3)],
    "a value before its write": [read(b"a", 0, 1), write(b"a", 2, 3)],
    "one value, another, and the one again": [
        write(b"a", 0, 9), write(b"b", 0, 9), read(b"a", 10, 11), read(b"b", 12, 13),
        read(b"a", 14, 15),
    ],
    "two are told the same number": [increase(0, 5, 1), increase(0, 5, 1)],
    "an increment counted twice": [increase(0, 1, 1), increase(2, 3, 3)],
    "a deleted value comes back": [
        write(b"a", 0, 1), delete(2, 3, 1), read(None, 4, 5), read(b"a", 6, 7),
    ],
    "a deletion that found nothing": [write(b"a", 0, 1), delete(2, 3, 0)],
    "an append lost": [append(b"x", 0, 1, 1), append(b"y", 2, 3, 2), read(b"y", 4, 5)],
    "a write of unknown outcome comes and goes": [
        write(b"a", 0, 1), lost_write(b"b", 2), read(b"b", 3, 4), read(b"a", 5, 6),
    ],
    "a wipe after its time": [
        write(b"a", 0, 1), wipe(KEY, 2, 4), read(b"a", 5, 6), read(None, 7, 8),
    ],
    "an older value after a wipe": [
        write(b"a", 0, 1), write(b"b", 2, 3), wipe(KEY, 4, 6), read(b"a", 5, 7),
    ],
    "two wipes where one is permitted": [
        write(b"a", 0, 1), wipe(KEY, 2, 9), read(None, 3, 4), write(b"b", 5, 6), read(None, 7, 8),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", LINEARIZABLE)
def test_what_one_copy_could_have_said_is_accepted(name: str) -> None:
    """A false alarm would hide the true ones."""
    assert check(LINEARIZABLE[name]).is_linearizable


@pytest.mark.parametrize("name", VIOLATIONS)
def test_what_no_single_copy_could_have_said_is_refused(name: str) -> None:
    """These are the faults that the checker is there for."""
    report = check(VIOLATIONS[name])
    assert [violation.key for violation in report.violations] == [KEY]


def steps(*kinds: Kind, fates: tuple[Fate, ...] = tuple(Fate)) -> st.SearchStrategy[list[Step]]:
    """Draw what a single copy is asked to do."""
    while_under_way = st.floats(0, 3).map(lambda seconds: round(seconds, 1))
    step = st.builds(
        Step, st.sampled_from(kinds), while_under_way, while_under_way, st.sampled_from(fates)
    )
    return st.lists(step, max_size=40)


@given(steps(*ANY))
def test_a_run_of_one_copy_is_accepted(drawn: list[Step]) -> None:
    """Whatever was asked, however long it took, and whichever replies were lost."""
    assert check(run(drawn)).is_linearizable


@given(steps(*REGISTER), st.data())
def test_a_stale_read_is_refused(drawn: list[Step], data: st.DataObject) -> None:
    """A reader is told the value before the last, long after the last was acknowledged."""
    late = float(len(drawn) + 10)
    old = data.draw(st.sampled_from([b"", *(b"%d" % moment for moment in range(len(drawn)))]))
    history = [
        *run(drawn),
        write(b"last", late, late + 1),
        read(old or None, late + 2, late + 3),
        read(b"last", late + 4, late + 5),
    ]
    assert check(history).violations


@given(steps(*ANY, fates=(Fate.ANSWERED,)))
def test_a_lost_write_is_refused(drawn: list[Step]) -> None:
    """It was acknowledged, but the copy never had it, as the next read shows."""
    quiet = [Step(Kind.GET, 0, 0)] * 4
    lost = Step(Kind.SET, 0, 0, Fate.DROPPED)
    history = run([*drawn, *quiet, lost, Step(Kind.GET, 0, 0)])
    history[-2] = write(history[-2].argument, history[-2].called, history[-2].called)
    assert check(history[:-1]).is_linearizable
    assert check(history).violations


def explains(order: tuple[Operation, ...]) -> bool:
    """Return whether operations in this order give their replies, and none is before its time."""
    state: State = None
    for index, operation in enumerate(order):
        if any(later.returned < operation.called for later in order[index + 1 :]):
            return False
        state = execute(state, operation)
        if state is IMPOSSIBLE:
            return False
    return True


def by_brute_force(history: list[Operation]) -> Verdict:
    """Try every order of the certain operations with every choice of the possible ones."""
    certain = [operation for operation in history if operation.outcome is Outcome.OK]
    possible = [operation for operation in history if operation.outcome is Outcome.UNKNOWN]
    choices = chain.from_iterable(combinations(possible, n) for n in range(len(possible) + 1))
    orders = chain.from_iterable(permutations([*certain, *choice]) for choice in choices)
    return Verdict.LINEARIZABLE if any(map(explains, orders)) else Verdict.VIOLATION


def tiny_histories(*kinds: Kind, values: int) -> st.SearchStrategy[list[Operation]]:
    """Draw operations whose replies may or may not fit together."""

    def build(
        kind: Kind, value: int, called: int, length: int, outcome: Outcome, result: int
    ) -> Operation:
        if kind is Kind.WIPE:
            return wipe(KEY, called, called + length)
        returned = FOREVER if outcome is Outcome.UNKNOWN else called + length
        results: dict[Kind, bytes | int | None] = {
            Kind.GET: b"%d" % result if result else None,
            Kind.SET: None,
        }
        argument = b"" if kind in (Kind.GET, Kind.DEL) else b"%d" % value
        told = results.get(kind, result)
        return Operation(KEY, kind, argument, called, returned, outcome, told)

    small = st.integers(0, values)
    outcomes = st.sampled_from((Outcome.OK, Outcome.OK, Outcome.UNKNOWN))
    time = st.integers(0, 8)
    operation = st.builds(
        build, st.sampled_from(kinds), st.integers(1, values), time, time, outcomes, small
    )
    return st.lists(operation, max_size=5)


@given(tiny_histories(*Kind, values=2))
def test_the_search_says_what_brute_force_says(history: list[Operation]) -> None:
    """On few operations every order can be tried."""
    assert search(history) is by_brute_force(history)


@given(tiny_histories(*REGISTER, values=4))
def test_the_zones_say_what_the_search_says(history: list[Operation]) -> None:
    """Where each value is written once; times touch each other often here."""
    groups = zones.maybe_groups(history)
    if groups is not None:
        is_explained = zones.maybe_conflict(groups) is None
        assert is_explained == (search(history) is Verdict.LINEARIZABLE)


@given(steps(*ANY, fates=(Fate.ANSWERED, Fate.EXECUTED)))
def test_keys_are_judged_alone(drawn: list[Step]) -> None:
    """A fault of one key says nothing of another, and its report names that key."""
    bad = [replace(operation, key=b"bad") for operation in VIOLATIONS["a stale read"]]
    report = check([*run(drawn), *bad])
    assert [violation.key for violation in report.violations] == [b"bad"]


def test_what_failed_was_not_executed() -> None:
    """A refused write must not explain a value that appears."""
    refused = replace(write(b"a", 0, 1), outcome=Outcome.FAILED)
    assert check([refused, read(None, 2, 3)]).is_linearizable
    assert check([refused, read(b"a", 2, 3)]).violations


def test_a_violation_shows_the_shortest_time_that_has_no_order() -> None:
    """Whoever looks for the fault reads a few operations, not a day of them."""
    calm = [increase(n, n + 0.5, n + 1) for n in range(100)]
    twice = increase(100, 100.5, 100)
    after = [increase(n, n + 0.5, n) for n in range(101, 200)]
    (violation,) = check([*calm, twice, *after]).violations
    assert violation.window == (calm[-1], twice)
    assert "incr b'1' -> 100" in str(violation)


def test_a_window_reaches_back_to_what_explains_it() -> None:
    """The write that was lost belongs to the report, however long ago it was."""
    calm = [write(b"%d" % n, n, n + 0.5) for n in range(50)]
    reads = [read(b"49", n, n + 0.5) for n in range(50, 100)]
    stale = read(b"3", 200, 201)
    (violation,) = check([*calm, *reads, stale]).violations
    assert {calm[3], stale} <= set(violation.window)
    assert len(violation.window) < 60


def test_too_much_work_is_undecided_and_never_fine() -> None:
    """Unknown outcomes multiply; who gives up must say so."""
    lost = [Operation(KEY, Kind.APPEND, b"%d" % n, 0, FOREVER, Outcome.UNKNOWN) for n in range(30)]
    report = check([*lost, read(b"x", 1, 2)], steps_max=1000)
    assert report.undecided == [KEY]
    assert not report.is_linearizable
    assert not report.violations


def test_what_is_under_way_at_the_end_may_have_happened() -> None:
    """A history that forgets it calls the value that it wrote one from nowhere."""
    times = iter(range(10))
    history = History(lambda: float(next(times)))
    history.call(KEY, Kind.SET, b"a")
    history.call(KEY, Kind.SET, b"b").refused()
    history.call(KEY, Kind.GET).answered(b"a")
    operations = history.operations()
    assert sorted(o.outcome.value for o in operations) == ["failed", "ok", "unknown"]
    assert [o.returned for o in operations if o.outcome is Outcome.UNKNOWN] == [math.inf]
    assert check(operations).is_linearizable


def test_thousands_of_operations_are_judged() -> None:
    """A busy key of a long run, with a lost reply in fifty: the search must not drown."""
    kinds = (Kind.INCR, Kind.GET, Kind.GET)
    drawn = [
        Step(kinds[n % 3], 2.0, 2.0, Fate.EXECUTED if n % 50 == 0 else Fate.ANSWERED)
        for n in range(2000)
    ]
    history = run(drawn)
    assert check(history).is_linearizable
    history[1503] = replace(history[1503], result=1)
    assert check(history).violations
