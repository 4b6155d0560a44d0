"""The moves from one table to another."""

from __future__ import annotations

from hypothesis import given, settings

from memcloud.ring import SLOTS, Move, Share, SlotTable, diff, target_table

from .pools import equal_pool, moved_slots, pools


def test_neighbouring_slots_with_the_same_ends_are_one_move() -> None:
    """A move is one conversation between two nodes."""
    old = SlotTable(1, ("a",) * SLOTS)
    new = SlotTable(2, ("a",) * 10 + ("b",) * 20 + ("c",) * 5 + ("a",) * (SLOTS - 35))
    assert diff(old, new) == [Move(10, 29, "a", "b"), Move(30, 34, "a", "c")]


def test_slots_from_nobody_and_to_nobody_are_moves_too() -> None:
    """The first member takes all, and the last one leaves all."""
    empty, full = SlotTable(0), SlotTable(1, ("a",) * SLOTS)
    assert diff(empty, full) == [Move(0, SLOTS - 1, None, "a")]
    assert diff(full, empty) == [Move(0, SLOTS - 1, "a", None)]


def test_equal_tables_need_no_moves() -> None:
    """Whatever their epochs."""
    pool = equal_pool(4)
    assert diff(target_table(pool, epoch=1), target_table(pool, epoch=2)) == []


@settings(max_examples=15, deadline=None)
@given(pools(members_max=6), pools(members_max=6))
def test_the_moves_lead_from_the_old_table_to_the_new(old: list[Share], new: list[Share]) -> None:
    """Also between pools that have nothing in common."""
    before, after = target_table(old, epoch=1), target_table(new, epoch=2)
    moves = diff(before, after)
    owners = list(before.owners)
    for move in moves:
        assert set(owners[move.first : move.last + 1]) == {move.source}
        owners[move.first : move.last + 1] = [move.target] * move.slots
    assert tuple(owners) == after.owners
    assert sum(move.slots for move in moves) == moved_slots(before, after)
