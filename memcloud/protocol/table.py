"""The slot table: who is a member, and which of them hold each slot, as of an epoch.

A table is decided, never computed: table ``e + 1`` is table ``e`` with the one `Change` that a
quorum of the devices in table ``e`` has accepted (see `ballots`). All tables of one cluster form
one line, so two nodes at the same epoch of a cluster have the same table.

*Devices* vote: a device outlives its processes and remembers what it has promised. *Members* hold
data: a member is one run of a process on a device, and what it held is gone when it ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress, count, islice
from operator import is_not
from typing import NamedTuple

from memcloud.ring.hashing import hash64


class Member(NamedTuple):
    """One run of a process on a device. Later runs of a device have higher incarnations."""

    device: str
    incarnation: int


class Cluster(NamedTuple):
    """The name of one line of tables; an earlier founding sorts first."""

    founded_ms: int  # by the founder's wall clock; 0 in `NO_CLUSTER`
    number: int  # 64 random bits


NO_CLUSTER = Cluster(0, 0)


class Assignment(NamedTuple):
    """Who holds a slot.

    ``lineage`` is raised whenever the slot starts empty. A primary that did not get the slot from
    the one before it, but because that one was given up, serves only ``hold_ms`` after it learnt
    so; it stands in every later table, since a node may skip the one in which it first stood.
    """

    primary: Member
    backups: tuple[Member, ...] = ()
    lineage: int = 1
    hold_ms: int = 0

    @property
    def holders(self) -> tuple[Member, ...]:
        """All members that hold the slot, the primary first."""
        return (self.primary, *self.backups)


class Run(NamedTuple):
    """Slots first to last, both included, with equal assignments."""

    first: int
    last: int
    assignment: Assignment


@dataclass(frozen=True, slots=True)
class Change:
    """What makes table ``epoch`` of table ``epoch - 1``."""

    epoch: int
    members: tuple[Member, ...]
    weights: tuple[int, ...]
    runs: tuple[Run, ...]  # the slots whose assignment changes
    heir: Cluster = NO_CLUSTER


@dataclass(frozen=True, slots=True)
class Table:
    """Members and assignments of an epoch. The first member's device is the *home* device."""

    cluster: Cluster
    epoch: int
    members: tuple[Member, ...]
    weights: tuple[int, ...]  # the RAM in bytes that each member offers
    slots: tuple[Assignment, ...]
    heir: Cluster = NO_CLUSTER  # the older cluster into which this one dissolves

    def __contains__(self, member: Member) -> bool:
        return member in self.members

    @property
    def devices(self) -> list[str]:
        """The voters, in the order of their members."""
        return [member.device for member in self.members]

    def member_of(self, device: str) -> Member | None:
        """Return the member that runs, or ran, on a device."""
        return next((member for member in self.members if member.device == device), None)

    def is_quorum(self, devices: Collection[str]) -> bool:
        """Return whether those devices can decide: most of them, or half with the home device.

        Of two halves only one has the home device, so that any two quorums share a device.
        """
        voters = self.devices
        count = sum(device in devices for device in voters)
        if 2 * count == len(voters):
            return voters[0] in devices
        return 2 * count > len(voters)

    def apply(self, change: Change) -> Table:
        """Return the next table."""
        assert change.epoch == self.epoch + 1
        slots = list(self.slots)
        for first, last, assignment in change.runs:
            slots[first : last + 1] = [assignment] * (last - first + 1)
        return replace(
            self,
            epoch=change.epoch,
            members=change.members,
            weights=change.weights,
            slots=tuple(slots),
            heir=change.heir,
        )

    def change(
        self,
        slots: Mapping[int, Assignment],
        members: tuple[Member, ...] | None = None,
        weights: tuple[int, ...] | None = None,
        heir: Cluster = NO_CLUSTER,
    ) -> Change:
        """Return the change that gives those slots those assignments."""
        changed = [(slot, slots[slot]) for slot in sorted(slots) if slots[slot] != self.slots[slot]]
        return Change(
            self.epoch + 1,
            self.members if members is None else members,
            self.weights if weights is None else weights,
            tuple(runs_of(changed)),
            heir,
        )

    def runs(self) -> list[Run]:
        """Return all slots as runs, as few as possible."""
        slots = self.slots
        if not slots:
            return []
        # Equal neighbours are mostly the same object, and comparing objects by identity is quick.
        changes = compress(count(1), map(is_not, slots, islice(slots, 1, None)))
        starts = [0, *(slot for slot in changes if slots[slot] != slots[slot - 1])]
        lasts = (*(start - 1 for start in starts[1:]), len(slots) - 1)
        return [Run(first, last, slots[first]) for first, last in zip(starts, lasts, strict=True)]

    def digest(self) -> int:
        """Return 64 bits of the content, the same in every process."""
        content = (self.cluster, self.epoch, self.members, self.weights, self.runs(), self.heir)
        return hash64(ascii(content).encode())

    def differing_slots(self, other: Table) -> Iterator[int]:
        """Yield the slots whose assignments differ."""
        mine, its = self.slots, other.slots
        for slot in compress(count(), map(is_not, mine, its)):
            if mine[slot] != its[slot]:
                yield slot


def runs_of(slots: Sequence[tuple[int, Assignment]]) -> Iterator[Run]:
    """Join ascending slots that follow each other and have equal assignments."""
    if not slots:
        return
    first, current = slots[0]
    last = first
    for slot, assignment in slots[1:]:
        # Mostly it is the same object, and to compare two takes ten times as long.
        if slot != last + 1 or (assignment is not current and assignment != current):
            yield Run(first, last, current)
            first, current = slot, assignment
        last = slot
    yield Run(first, last, current)


def found(
    cluster: Cluster,
    epoch: int,
    members: Mapping[Member, int],
    slots: Sequence[Assignment],
) -> Table:
    """Return the first table of a cluster; ``members`` have their weights."""
    return Table(cluster, epoch, tuple(members), tuple(members.values()), tuple(slots))
