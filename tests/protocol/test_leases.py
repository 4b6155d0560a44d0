"""Who may serve until when."""

from __future__ import annotations

from memcloud.protocol.leases import FOREVER_MS, Leases, hold_ms
from memcloud.protocol.settings import GRANT_MS, LEASE_MS
from memcloud.protocol.table import Member

from .test_table import A, B, C, table_of


def test_a_lease_runs_from_when_a_quorums_oldest_heartbeat_was_sent() -> None:
    """What counts is the one that completes the quorum, not the newest."""
    table = table_of(A, B, C)
    leases = Leases(0)
    leases.start_epoch(table, B)
    assert not leases.is_valid(0)
    leases.acknowledged("a", 100, table, B)
    assert leases.until_ms == 100 + LEASE_MS
    leases.acknowledged("c", 300, table, B)
    assert leases.until_ms == 300 + LEASE_MS
    leases.acknowledged("a", 50, table, B)
    assert leases.until_ms == 300 + LEASE_MS


def test_who_is_a_quorum_alone_needs_nobody() -> None:
    """A single node serves for ever."""
    leases = Leases(0)
    leases.start_epoch(table_of(A), A)
    assert leases.until_ms == FOREVER_MS


def test_a_new_epoch_ends_the_lease() -> None:
    """Acknowledgements of an earlier table say nothing of this one's quorum."""
    table = table_of(A, B, C)
    leases = Leases(0)
    leases.start_epoch(table, B)
    leases.acknowledged("a", 100, table, B)
    leases.start_epoch(table.apply(table.change({})), B)
    assert not leases.is_valid(101)


def test_a_promise_ages_ones_own_vote() -> None:
    """Or else one more vote gives a lease that the promise did not tell of."""
    table = table_of(A, B, C)
    leases = Leases(0)
    leases.start_epoch(table, B)
    leases.promised(table, B, 1000)
    assert leases.ages(table, B, 1400)[B] == 400
    leases.acknowledged("a", 1500, table, B)
    assert leases.until_ms == 1000 + LEASE_MS


def test_the_hold_outlasts_every_lease_that_a_promise_tells_of() -> None:
    """The youngest acknowledgement decides, and one that is not told of counts as new."""
    ages: list[dict[Member, int]] = [{A: 300, B: 5000}, {A: 900}]
    assert hold_ms(A, ages) == GRANT_MS - 300
    assert hold_ms(B, ages) == GRANT_MS
    assert hold_ms(C, [{C: 10_000}]) == 0


def test_after_a_restart_acknowledgements_may_be_as_young_as_the_start() -> None:
    """What it gave before, it no longer knows."""
    table = table_of(A, B, C)
    leases = Leases(5000)
    leases.start_epoch(table, C)
    assert leases.ages(table, C, 5200)[A] == 200
