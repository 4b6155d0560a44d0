"""The data of slots: copied, followed, brought in and put aside."""

from __future__ import annotations

from random import Random

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from memcloud.protocol.state import SlotStore
from memcloud.ring import key_slot
from memcloud.slots import UNLIMITED_BYTES, Slots

from .members import (
    DATABASES,
    NAMES,
    NONE,
    SPACES,
    A,
    B,
    Member,
    Put,
    clocks,
    copy,
    puts,
)
from .support import Choice, StoreClock


def test_it_is_what_the_protocol_asks_for() -> None:
    """The type checker sees that it is."""
    store: SlotStore = Member().slots
    assert (store.used_bytes, store.free_bytes) == (0, UNLIMITED_BYTES)


# Copies


@given(st.lists(puts, max_size=12), st.integers(0, 21), clocks)
def test_a_copy_that_is_brought_in_equals_the_slot(
    content: list[Put], wait_ms: int, now_ms: int
) -> None:
    """Also on a node whose clock shows another time; and other slots stay where they are."""
    giver, taker = Member(), Member(now_ms)
    for each in content:
        giver.put(*each)
    giver.clock.advance(wait_ms)
    copy(A, giver, taker)
    assert taker.seen() == {}
    assert taker.slots.is_in(B)
    taker.check()
    taker.slots.adopt_staged(A)
    taker.slots.bring_in(A)
    taker.check()
    expected = {each: shown for each, shown in giver.seen().items() if key_slot(each[1]) == A}
    assert taker.seen() == expected
    assert taker.slots.is_in(A)
    assert taker.aside.used_bytes == 0
    assert taker.slots.size_bytes(A) == giver.slots.size_bytes(A)


@given(st.lists(puts, max_size=12), st.integers(0, 21))
def test_what_is_put_aside_and_brought_in_is_as_it_was(content: list[Put], wait_ms: int) -> None:
    """A slot may change its primary at any time, and back."""
    member = Member()
    for each in content:
        member.put(*each)
    member.clock.advance(wait_ms)
    before = member.seen()
    member.slots.follow(A)
    member.check()
    assert not [key for _, key in member.seen() if key_slot(key) == A]
    snapshot = member.slots.snapshot(A, member.now_ms)
    member.slots.bring_in(A)
    member.check()
    assert member.seen() == before
    assert sorted(member.slots.snapshot(A, member.now_ms)) == sorted(snapshot)


@given(st.lists(puts, max_size=6), st.lists(puts, max_size=6))
def test_effects_that_come_behind_a_copy_change_it(
    before: list[Put],
    after: list[Put],
) -> None:
    """What is written while a copy is on its way comes after it."""
    giver, taker = Member(), Member(7)
    for each in before:
        giver.put(*each)
    for slot in (A, B, NONE):
        copy(slot, giver, taker)
    for each in after:
        giver.put(*each)
        effects = giver.slots.effects_of(each[0], [each[1]])
        taker.slots.apply_staged(key_slot(each[1]), effects, taker.now_ms)
    for slot in (A, B, NONE):
        taker.slots.adopt_staged(slot)
        taker.slots.bring_in(slot)
    assert taker.seen() == giver.seen()


def test_a_copy_may_be_given_up_until_it_is_adopted() -> None:
    """The protocol ends all that was on its way when a new table is in force, adopted or not."""
    giver, taker = Member(), Member()
    giver.put(0, b"{a}1")
    giver.put(0, b"{b}1")
    copy(A, giver, taker)
    copy(B, giver, taker)
    taker.slots.adopt_staged(A)
    for slot in (A, B, NONE):
        taker.slots.unstage(slot)
        taker.check()
    assert not taker.slots.is_in(A)
    assert taker.slots.is_in(B)
    taker.slots.bring_in(A)
    taker.slots.unstage(A)
    assert list(taker.seen()) == [(0, b"{a}1")]


def test_a_slot_that_is_dropped_is_nowhere() -> None:
    """Neither where clients see it nor aside."""
    member = Member()
    for space in SPACES:
        for key in NAMES:
            member.put(space, key)
    member.slots.follow(A)
    member.slots.lead(A)
    for slot in (A, B):
        member.slots.drop(slot)
        member.check()
        assert member.slots.size_bytes(slot) == 0
        assert member.slots.snapshot(slot, member.now_ms) == []
    assert member.slots.waiting == {}
    assert {key for _, key in member.seen()} == {b""}


class Ticking(StoreClock):
    """A clock that shows a later time at each look."""

    def now_ms(self) -> int:
        self.advance(1)
        return super().now_ms()


def test_a_key_whose_time_ends_while_it_is_read_does_not_live_for_ever() -> None:
    """Time goes on between two looks at a key; it must have an end at each, or be gone."""
    seen = set()
    for left_ms in range(30):
        clock = Ticking()
        store, aside = (
            Choice.store(clock, Random(1), limit_bytes=0, databases=DATABASES) for _ in range(2)
        )
        slots = Slots(store, aside, clock)
        store.databases[0].set(b"{a}", b"v", clock.now_ms() + left_ms)
        ((_, _, value, remaining_ms, _),) = msgpack.unpackb(slots.effects_of(0, [b"{a}"]))
        assert (value is None) == (remaining_ms is None)
        seen.add(value)
    assert seen == {None, b"v"}


# What clients see


def test_slots_wait_in_order_and_come_in_by_portions() -> None:
    """A new primary of thousands of slots must answer others in between."""
    member = Member()
    for number in range(5):
        for letter in b"abc":
            member.put(0, b"{%c}%d" % (letter, number))
    slots = [key_slot(b"c"), key_slot(b"a"), key_slot(b"b")]
    for slot in slots:
        member.slots.follow(slot)
    for slot in [*slots, NONE]:
        member.slots.lead(slot)
    assert list(member.slots.waiting) == slots
    assert member.slots.bring_some(0) == slots[:1]
    assert len(member.store.databases[0]) == 5
    assert member.slots.bring_some(6) == slots[1:]
    assert member.slots.bring_some(6) == []
    assert len(member.store.databases[0]) == 15


def test_a_slot_that_waits_can_be_given_away_or_put_aside() -> None:
    """A table may follow another before all is brought in."""
    giver, taker = Member(), Member()
    giver.put(1, b"{a}1", b"v", 50)
    before = giver.seen()
    giver.slots.follow(A)
    giver.slots.lead(A)
    copy(A, giver, taker)
    giver.slots.follow(A)
    assert giver.slots.waiting == {}
    assert not giver.slots.is_in(A)
    taker.slots.adopt_staged(A)
    taker.slots.bring_in(A)
    assert taker.seen() == before


def test_a_key_whose_time_was_over_before_it_came_in_is_told() -> None:
    """Other backups have it too, and nobody else would ever tell them."""
    member = Member()
    member.put(2, b"{a}1", b"v", 5)
    member.put(2, b"{a}2", b"v", 6)
    member.store.removed = []
    member.slots.follow(A)
    member.clock.advance(6)
    assert member.slots.bring_in(A) == 2
    assert member.store.removed == [(2, b"{a}1")]
    assert list(member.seen()) == [(2, b"{a}2")]


def test_statistics_and_accesses_are_those_of_clients() -> None:
    """What members tell each other makes no key look used."""
    member = Member()
    member.put(0, b"{a}1")
    member.clock.advance(1000)
    member.slots.effects_of(0, [b"{a}1", b"{a}2"])
    member.slots.snapshot(A, member.now_ms)
    member.slots.size_bytes(A)
    assert (member.store.hits, member.store.misses) == (0, 0)
    idle_ms = member.store.databases[0].idle_ms(b"{a}1")
    assert idle_ms is not None
    assert idle_ms >= 1000
