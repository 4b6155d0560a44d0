"""The governor: how far a node shrinks for its host, and when it grows again."""

from __future__ import annotations

import pytest

from memcloud.pressure import CALM_MS, GROW_MS, Governor, Pressure

MIB = 1 << 20
TOTAL = 10_000 * MIB  # upper mark 1000 MiB, lower mark 500 MiB
LIMIT = 1600 * MIB  # shrinks by 400 MiB, grows by 100 MiB, keeps 100 MiB


def left(mebibytes: int, **facts: float) -> Pressure:
    """Return the facts about a host that has this much left."""
    stalled = facts.get("stalled")
    return Pressure(mebibytes * MIB, TOTAL, stalled)


class Scripted:
    """A store and its governor, on a host whose facts the test tells."""

    def __init__(self, used: int, pinned: int = 0) -> None:
        self.governor = Governor()
        self.used = used * MIB
        self.pinned = pinned * MIB
        self.now_ms = 0

    @property
    def ceiling(self) -> int | None:
        """The ceiling in MiB."""
        ceiling_bytes = self.governor.ceiling_bytes
        return None if ceiling_bytes is None else ceiling_bytes // MIB

    def look(self, pressure: Pressure, limit: int = LIMIT) -> int | None:
        """Let one look at the host pass, with all eviction that it asks for."""
        goal = self.governor.goal_bytes(pressure, limit, self.used)
        if goal is None:
            self.governor.grow(pressure, limit, self.used, self.now_ms)
        else:
            self.used = min(self.used, max(goal, self.pinned))
            self.governor.shrink(goal, self.used)
        return self.ceiling


def test_a_host_with_memory_left_changes_nothing() -> None:
    """The configured limit holds until somebody else needs the memory."""
    store = Scripted(used=1000)
    assert store.look(left(5000)) is None
    assert not store.governor.is_pressed


def test_what_is_missing_to_the_upper_mark_is_given_back() -> None:
    """Giving back no more than to the lower mark would have to be repeated at once."""
    store = Scripted(used=1000)
    assert store.look(left(499)) == 600  # 501 are missing, a step is 400
    assert store.look(left(899)) == 499
    assert store.governor.is_pressed
    assert store.look(left(1000)) == 499
    assert not store.governor.is_pressed


def test_between_the_marks_a_calm_node_stays_as_it_is() -> None:
    """Two marks, so that small changes at one of them do not evict again and again."""
    store = Scripted(used=1000)
    for mebibytes in (1000, 501, 999, 500):
        assert store.look(left(mebibytes)) is None
    assert store.look(left(499)) is not None


def test_one_step_is_a_quarter_of_the_limit() -> None:
    """After a step the facts are asked for again: others may have given back as well."""
    store = Scripted(used=1600)
    assert store.look(left(0)) == 1200
    assert store.look(left(0)) == 800


def test_a_part_of_the_limit_is_kept_however_short_the_host_is() -> None:
    """A shortage that is not the node's doing would otherwise leave a cache of nothing."""
    store = Scripted(used=1600)
    for _ in range(20):
        store.look(left(0))
    assert store.ceiling == 100
    assert store.used == 100 * MIB


def test_the_ceiling_never_goes_below_what_cannot_be_evicted() -> None:
    """A ceiling under pinned bytes would only make every write evict in vain."""
    store = Scripted(used=1600, pinned=900)
    for _ in range(20):
        store.look(left(0))
    assert store.ceiling == 900


def test_the_ceiling_does_not_rise_with_use_while_pressed() -> None:
    """One value may go in beyond the ceiling; it must not carry the ceiling along."""
    store = Scripted(used=1000, pinned=1000)
    assert store.look(left(0)) == 1000
    store.used = store.pinned = 1001 * MIB
    assert store.look(left(0)) == 1000
    store.used = store.pinned = 700 * MIB
    assert store.look(left(0)) == 700


def test_it_grows_back_by_steps_once_it_has_been_calm_for_a_while() -> None:
    """Memory that came free may be wanted again in the next second."""
    store = Scripted(used=1600)
    for _ in range(20):
        store.look(left(0))
    history = []
    for _ in range(0, CALM_MS + 20 * GROW_MS, GROW_MS // 2):
        history.append(store.look(left(9000)))
        store.now_ms += GROW_MS // 2
    wait = CALM_MS // (GROW_MS // 2)
    assert history[:wait] == [100] * wait
    assert history[wait : wait + 4] == [200, 200, 300, 300]
    assert history[-1] is None
    steps = [step for step in history if step is not None]
    assert steps == sorted(steps)


def test_a_moment_below_the_upper_mark_starts_the_wait_anew() -> None:
    """Calm means that it stayed calm."""
    store = Scripted(used=1600)
    store.look(left(0))
    store.look(left(9000))
    store.now_ms += CALM_MS - 1
    store.look(left(999))
    store.now_ms += 1
    assert store.look(left(9000)) == 1200
    store.now_ms += CALM_MS
    assert store.look(left(9000)) == 1300


def test_it_grows_only_as_far_as_a_full_node_would_leave_the_host_enough() -> None:
    """Growing into the upper mark would end in giving back again, for ever."""
    store = Scripted(used=1600)
    store.look(left(0))
    store.now_ms += 1
    store.look(left(1150))
    for _ in range(5):
        store.now_ms += CALM_MS
        store.look(left(1150))
    assert store.ceiling == 1300  # 100 of the 150 above the mark; no 200


def test_stalls_double_the_marks_and_do_nothing_alone() -> None:
    """A task may stall in a small control group of its own while the host has plenty."""
    store = Scripted(used=1000)
    assert store.look(left(5000, stalled=90.0)) is None
    assert store.look(left(999)) is None
    assert store.look(left(999, stalled=9.9)) is None
    assert store.look(left(999, stalled=10.0)) == 600


def test_a_control_group_counts_like_a_host() -> None:
    """In a container the kernel kills at the group's limit, whatever the host has left."""
    store = Scripted(used=500)
    roomy = Pressure(9000 * MIB, TOTAL, None, 1000 * MIB, 900 * MIB)
    assert store.look(roomy) is None
    tight = Pressure(9000 * MIB, TOTAL, None, 1000 * MIB, 960 * MIB)
    assert store.look(tight) == 440  # 60 are missing to a tenth of the group's limit


def test_without_a_limit_steps_are_measured_by_the_machine() -> None:
    """maxmemory 0 has no share to be taken from."""
    store = Scripted(used=6000)
    assert store.look(left(0), limit=0) == 5000
    store.look(left(9000), limit=0)
    store.now_ms += CALM_MS
    assert store.look(left(9000), limit=0) == 5625


@pytest.mark.parametrize(("total_gibibytes", "is_short"), [(64, False), (640, False)])
def test_a_large_machine_does_not_keep_a_tenth_free(total_gibibytes: int, is_short: bool) -> None:
    """The upper mark is 4 GiB at most, so 3 GiB are enough on any machine."""
    facts = Pressure(3 << 30, total_gibibytes << 30)
    assert facts.is_short is is_short
    assert facts.surplus_bytes == -(1 << 30)
