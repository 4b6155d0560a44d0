"""A slot table says who owns what, and equals another by what it says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from memcloud.ring import SLOTS, SlotTable, target_table

from .pools import equal_pool

# A table in a few runs: the owners of consecutive thirds and halves.
THIRDS = ("a",) * 5000 + ("b",) * 6000 + ("a",) * (SLOTS - 11000)


def test_ranges_are_as_few_as_possible() -> None:
    """CLUSTER SLOTS and SHARDS print them."""
    table = SlotTable(1, THIRDS)
    assert table.all_ranges() == [(0, 4999, "a"), (5000, 10999, "b"), (11000, SLOTS - 1, "a")]
    assert table.ranges("a") == [(0, 4999), (11000, SLOTS - 1)]
    assert table.ranges("nobody") == []


def test_counts_are_those_of_the_owners() -> None:
    """INFO and PEERS show them."""
    table = SlotTable(1, THIRDS)
    assert (table.count("a"), table.count("b"), table.count("nobody")) == (10384, 6000, 0)


def test_members_are_sorted_and_may_own_nothing() -> None:
    """A member of a few megabytes among servers owns no slot and is a member still."""
    table = SlotTable(1, THIRDS, ["z", "b"])
    assert table.members == ("a", "b", "z")


def test_an_empty_table_has_no_owners() -> None:
    """It is what a node has before it knows anybody."""
    table = SlotTable(0)
    assert table.owner(0) is None
    assert len(table.owners) == SLOTS
    assert table.all_ranges() == []


def test_the_epoch_is_no_part_of_the_content() -> None:
    """Nodes that count changes differently still see that they agree on the owners."""
    first, second = SlotTable(1, THIRDS), SlotTable(2, THIRDS)
    assert first == second
    assert hash(first) == hash(second)
    assert first.digest == second.digest


def test_other_owners_or_members_are_another_content() -> None:
    """Nodes that do not agree must notice."""
    table = SlotTable(1, THIRDS)
    swapped = SlotTable(1, (*THIRDS[:-1], "b"))
    larger = SlotTable(1, THIRDS, ["z"])
    assert len({table.digest, swapped.digest, larger.digest}) == 3
    assert table != swapped
    assert table != larger
    assert table != "a table"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(1, 4000)), max_size=12))
def test_ranges_and_owners_say_the_same(runs: list[tuple[str | None, int]]) -> None:
    """One is made of the other."""
    owners = [owner for owner, length in runs for _ in range(length)][:SLOTS]
    owners += [None] * (SLOTS - len(owners))
    table = SlotTable(1, owners)
    rebuilt: list[str | None] = [None] * SLOTS
    for first, last, member in table.all_ranges():
        rebuilt[first : last + 1] = [member] * (last - first + 1)
    assert rebuilt == owners


def test_its_text_tells_the_epoch_and_the_content() -> None:
    """Logs and failing tests show it."""
    table = target_table(equal_pool(3), epoch=9)
    assert repr(table) == f"<SlotTable epoch 9, 3 members, {table.digest:016x}>"
