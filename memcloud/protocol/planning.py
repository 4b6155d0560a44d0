"""What the next table should be: pure functions of the one in force.

The *target* says who is to hold each slot at last. The leader gets there in steps that the primary
carries out a batch at a time: add the copies that the target asks for; let the right one lead; only
then drop what is too much. Were one dropped first, there would be a moment with a copy less than
promised.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from .messages import MoveKind
from .settings import BATCH_SLOTS, Targets, Weights
from .table import Assignment, Change, Member, Table

_NOBODY = Member("", 0)
_Left = TypeVar("_Left")
_Right = TypeVar("_Right")
_Result = TypeVar("_Result")
Holds = Callable[[Member], int]
"""How long a member that is given up may still serve, in milliseconds."""


def membership_change(
    table: Table,
    dead: Collection[Member],
    joining: Sequence[tuple[Member, int]],
    targets: Targets,
    holds: Holds,
    assigned: Mapping[int, Assignment] | None = None,
    present: Collection[str] = (),
) -> Change:
    """Return the change that removes the dead, adds the joining, and assigns what is given.

    A slot whose primary is dead goes to its first living backup, alone, since backups may differ in
    entries that nobody was told of. The devices that are ``present`` go before others, of which it
    is only not known yet that they are dead. A slot without a living copy starts empty.
    """
    kept = [
        (member, weight)
        for member, weight in zip(table.members, table.weights, strict=True)
        if member not in dead
    ]
    members = [*kept, *joining]
    alive = {member for member, _ in kept}
    slots: dict[int, Assignment] = dict(assigned or {})
    if dead:
        hold_of = {member: holds(member) for member in table.members if member in dead}
        remains = _same_for_same(partial(_remains, alive, present, hold_of))
        inherited = _same_for_same(_inherited)
        orphans: dict[int, Assignment] = {}
        for slot, before in enumerate(table.slots):
            now = slots.get(slot, before)
            left = remains(before, now)
            if left.primary == _NOBODY:
                orphans[slot] = left
            elif left is not now:
                slots[slot] = left
        if orphans:
            heirs = targets(tuple(members), 1)
            for slot, orphan in orphans.items():
                slots[slot] = inherited(orphan, heirs[slot])
    return table.change(
        slots,
        tuple(member for member, _ in members),
        tuple(weight for _, weight in members),
        table.heir,
    )


def _remains(
    alive: Collection[Member],
    present: Collection[str],
    hold_of: Mapping[Member, int],
    before: Assignment,
    now: Assignment,
) -> Assignment:
    """Return what the living have of an assignment; `_NOBODY` leads it if that is nothing."""
    backups = tuple(member for member in now.backups if member in alive)
    if now.primary in alive:
        return now if backups == now.backups else now._replace(backups=backups)
    # A move that was proposed was given by the primary before, which may be dead.
    hold_ms = max(before.hold_ms, hold_of.get(before.primary, 0), hold_of.get(now.primary, 0))
    if backups:
        heir = next((member for member in backups if member.device in present), backups[0])
        return Assignment(heir, (), now.lineage, hold_ms)
    return Assignment(_NOBODY, (), now.lineage + 1, hold_ms)


def _inherited(orphan: Assignment, heirs: tuple[Member, ...]) -> Assignment:
    return orphan._replace(primary=heirs[0])


def _same_for_same(
    function: Callable[[_Left, _Right], _Result],
) -> Callable[[_Left, _Right], _Result]:
    """Return the function with a memory of what it gave for the same two objects.

    Of 16384 slots most have an object in common with others, and to see that is ten times faster
    than to compare or hash what is in it.
    """
    # With the objects, so that they live, and no other one gets their places.
    known: dict[tuple[int, int], tuple[_Result, _Left, _Right]] = {}

    def remembering(left: _Left, right: _Right) -> _Result:
        key = (id(left), id(right))
        if key not in known:
            known[key] = function(left, right), left, right
        return known[key][0]

    return remembering


@dataclass(frozen=True, slots=True)
class Batch:
    """Slots of one primary that are to be copied or moved to one member."""

    kind: MoveKind
    source: Member
    target: Member
    slots: tuple[int, ...]


@dataclass(slots=True)
class Plan:
    """What is to be done to a table; the most pressing first."""

    batches: list[Batch]
    drops: dict[int, Assignment]  # assignments without the copies that are too many

    @property
    def is_done(self) -> bool:
        """Whether the table is the target."""
        return not self.batches and not self.drops


def plan(table: Table, leaving: Collection[Member], targets: Targets, replicas: int) -> Plan:
    """Return the next steps towards the target; each slot has at most one."""
    staying: Weights = tuple(
        (member, weight)
        for member, weight in zip(table.members, table.weights, strict=True)
        if member not in leaving
    )
    if not staying or len(table.members) == 1:
        return Plan([], {})
    count = min(replicas, len(staying))
    target = targets(staying, count)
    grouped: dict[tuple[int, MoveKind, Member, Member], list[int]] = {}
    drops: dict[int, Assignment] = {}

    def group_of(now: Assignment, wanted: tuple[Member, ...]) -> list[int] | None:
        step = _step(now, wanted, leaving)
        if step is None:
            return None
        urgency, kind, goal = step
        return grouped.setdefault((urgency, kind, now.primary, goal), [])

    group = _same_for_same(group_of)
    trimmed = _same_for_same(_trimmed)
    for slot, (now, wanted) in enumerate(zip(table.slots, target, strict=True)):
        slots = group(now, wanted)
        if slots is not None:
            slots.append(slot)
        elif len(now.backups) >= count:
            drops[slot] = trimmed(now, wanted)
    batches = [
        Batch(kind, source, goal, tuple(slots[first : first + BATCH_SLOTS]))
        for (_, kind, source, goal), slots in sorted(grouped.items())
        for first in range(0, len(slots), BATCH_SLOTS)
    ]
    batches.sort(key=lambda batch: _urgency(table.slots[batch.slots[0]], leaving, count))
    return Plan(batches, drops)


def _step(
    now: Assignment, wanted: tuple[Member, ...], leaving: Collection[Member]
) -> tuple[int, MoveKind, Member] | None:
    """Return urgency, kind and target of the next step of a slot."""
    if len(wanted) == 1 and not now.backups:
        if now.primary == wanted[0]:
            return None
        return int(now.primary not in leaving), MoveKind.MOVE, wanted[0]
    missing = [member for member in wanted if member not in now.holders]
    good = [member for member in now.holders if member not in leaving]
    if missing:
        return (0 if len(good) < len(wanted) else 1), MoveKind.COPY, missing[0]
    if now.primary != wanted[0]:
        return int(now.primary not in leaving), MoveKind.MOVE, wanted[0]
    return None


def _trimmed(now: Assignment, wanted: tuple[Member, ...]) -> Assignment:
    return now._replace(backups=tuple(each for each in now.backups if each in wanted))


def _urgency(now: Assignment, leaving: Collection[Member], count: int) -> int:
    good = sum(member not in leaving for member in now.holders)
    return 0 if good < count else 1


def is_empty_handed(table: Table, member: Member) -> bool:
    """Return whether a member holds no slot."""
    return all(member not in assignment.holders for assignment in table.slots)
