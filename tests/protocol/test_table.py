"""Tables, quorums and changes."""

from __future__ import annotations

from memcloud.protocol.table import Assignment, Cluster, Member, Run, Table, found

A, B, C, D = (Member(name, 1) for name in "abcd")
CLUSTER = Cluster(1, 2)


def table_of(*members: Member, slots: int = 4) -> Table:
    """Return a first table in which the first member has everything."""
    return found(CLUSTER, 1, dict.fromkeys(members, 1), [Assignment(members[0])] * slots)


def test_of_two_halves_one_can_decide() -> None:
    """Two sides of a cut must never decide both, and it is better if one of them can."""
    table = table_of(A, B, C, D)
    assert table.is_quorum({"a", "c"})
    assert not table.is_quorum({"b", "d"})
    assert table.is_quorum({"b", "c", "d"})
    assert not table.is_quorum({"b", "c", "x"})


def test_a_device_alone_decides_only_at_home() -> None:
    """In a pair the second must not go on when it loses sight of the first."""
    table = table_of(A, B)
    assert table.is_quorum({"a"})
    assert not table.is_quorum({"b"})


def test_a_change_makes_the_next_table() -> None:
    """A change says no more than what is different."""
    table = table_of(A, B)
    to_b = Assignment(B, (A,))
    change = table.change({1: to_b, 2: to_b, 3: Assignment(A)})
    assert change.runs == (Run(1, 2, to_b),)
    after = table.apply(change)
    assert (after.epoch, after.members) == (2, (A, B))
    assert [at.primary for at in after.slots] == [A, B, B, A]
    assert list(table.differing_slots(after)) == [1, 2]


def test_runs_cover_all_slots() -> None:
    """Neighbours with equal assignments are one run, others are not."""
    table = table_of(A, B, slots=6)
    table = table.apply(table.change({2: Assignment(B), 3: Assignment(B)}))
    assert [(run.first, run.last) for run in table.runs()] == [(0, 1), (2, 3), (4, 5)]


def test_equal_tables_have_equal_digests() -> None:
    """Members compare tables by them."""
    table = table_of(A, B)
    assert table.digest() == table_of(A, B).digest()
    assert table.digest() != table.apply(table.change({})).digest()
