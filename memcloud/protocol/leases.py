"""Leases: how a member knows that no other serves its slots.

A member may serve for 2 s from the time it *sent* the heartbeats that a quorum has acknowledged, on
its own clock. Those who acknowledge note when. Whoever is to take slots over without the consent of
their primary needs promises from a quorum, which shares a device with the one that acknowledged;
that device tells how long ago it did, and acknowledges no more. So the new primary knows how long
the old one may go on serving, and waits that long (`Assignment.hold_ms`).

Acknowledgements count for one epoch. A lease of an earlier table says nothing about a quorum of
this one.

A member is one of those who acknowledge its own heartbeats: it always does, until it promises. From
then on its own vote is as old as the promise, like those that it gives to others. (If it went on
counting itself, it could get a lease by one more vote after having promised, and the quorum that
removes it need have only this member in common with that lease.)
"""

from __future__ import annotations

from .settings import GRANT_MS, LEASE_MS
from .table import Member, Table

FOREVER_MS = 1 << 62


class Leases:
    """The acknowledgements that this node was given, and those that it gave."""

    def __init__(self, boot_ms: int) -> None:
        self._boot_ms = boot_ms
        self._received: dict[str, int] = {}  # device -> when the heartbeat was sent
        self._given: dict[Member, int] = {}
        self._own_ms = FOREVER_MS  # the like for itself
        self.until_ms = 0
        """Until when this node may serve."""

    def is_valid(self, now_ms: int) -> bool:
        """Return whether this node may serve."""
        return now_ms < self.until_ms

    def start_epoch(self, table: Table, me: Member) -> None:
        """Forget the acknowledgements of the epoch before."""
        self._received.clear()
        self._own_ms = FOREVER_MS
        self._given = {member: ms for member, ms in self._given.items() if member in table}
        self.until_ms = self._until(table, me)

    def end(self) -> None:
        """Give the lease up."""
        self._received.clear()
        self.until_ms = 0

    def acknowledged(self, device: str, sent_ms: int, table: Table, me: Member) -> None:
        """Count the acknowledgement of a heartbeat of this epoch."""
        if sent_ms > self._received.get(device, -1):
            self._received[device] = sent_ms
            self.until_ms = self._until(table, me)

    def promised(self, table: Table, me: Member, now_ms: int) -> None:
        """Acknowledge nothing any more until the next table is in force."""
        self._own_ms = min(self._own_ms, now_ms)
        self.until_ms = self._until(table, me)

    def give(self, member: Member, now_ms: int) -> None:
        """Note that this device acknowledges a heartbeat of a member."""
        self._given[member] = now_ms

    def ages(self, table: Table, me: Member, now_ms: int) -> dict[Member, int]:
        """Return how long ago this device acknowledged a heartbeat of each member.

        What it did before it was restarted it does not know, except that it was before.
        """
        ages = {
            member: now_ms - max(self._given.get(member, 0), self._boot_ms)
            for member in table.members
        }
        if me in ages:
            ages[me] = now_ms - min(self._own_ms, now_ms)
        return ages

    def _until(self, table: Table, me: Member) -> int:
        if me not in table:
            return 0
        times = {**self._received, me.device: self._own_ms}
        have: set[str] = set()
        for device, sent_ms in sorted(times.items(), key=lambda item: -item[1]):
            have.add(device)
            if table.is_quorum(have):
                return min(sent_ms + LEASE_MS, FOREVER_MS)
        return 0


def hold_ms(primary: Member, ages: list[dict[Member, int]]) -> int:
    """Return how long a primary that was given up may still serve, by the promises of a quorum."""
    return max([0, *(GRANT_MS - each.get(primary, 0) for each in ages)])
