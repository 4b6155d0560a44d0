"""The targets of a real node: placement by device, for members of a table."""

from __future__ import annotations

from memcloud.protocol.table import Member
from memcloud.ring import SLOTS, Share, target_table
from memcloud.targets import ring_targets

WEIGHTS = tuple((Member(name, 7), weight << 30) for name, weight in (("c", 4), ("a", 2), ("b", 8)))


def test_the_primary_is_the_owner_of_the_ring() -> None:
    """For one copy there is nobody else."""
    table = target_table([Share(member.device, weight) for member, weight in WEIGHTS], 0)
    expected = [(Member(str(owner), 7),) for owner in table.owners]
    assert list(ring_targets(WEIGHTS, 1)) == expected


def test_there_are_as_many_as_wanted_or_as_there_are() -> None:
    """Nobody holds a slot twice."""
    for copies, count in ((2, 2), (3, 3), (9, 3)):
        targets = ring_targets(WEIGHTS, copies)
        assert len(targets) == SLOTS
        assert all(len(set(each)) == len(each) == count for each in targets)


def test_the_primary_does_not_depend_on_how_many_are_wanted() -> None:
    """Heirs of a slot are looked up alone."""
    primaries = [each[0] for each in ring_targets(WEIGHTS, 1)]
    assert [each[0] for each in ring_targets(WEIGHTS, 3)] == primaries


def test_a_device_that_starts_again_keeps_its_place() -> None:
    """Nothing but the number of the run is different."""
    later = tuple((member._replace(incarnation=8), weight) for member, weight in WEIGHTS)
    assert [tuple(member.device for member in each) for each in ring_targets(later, 2)] == [
        tuple(member.device for member in each) for each in ring_targets(WEIGHTS, 2)
    ]


def test_the_order_of_members_does_not_matter() -> None:
    """A table lists them as they came."""
    assert ring_targets(WEIGHTS[::-1], 2) == ring_targets(WEIGHTS, 2)


def test_a_member_that_offers_nothing_is_possible() -> None:
    """A stranger may say so; it gets next to nothing."""
    targets = ring_targets((*WEIGHTS, (Member("d", 1), 0)), 1)
    assert sum(each[0].device == "d" for each in targets) <= 1
