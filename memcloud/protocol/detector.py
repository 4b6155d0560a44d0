"""Who seems to be alive. Only a guess: what follows from it is decided by ballots.

Any message is a sign of life. A member is suspect when it was silent for 1.2 s, when a later run
of its device was heard of, or when it hears nobody itself: it says in its heartbeats that it has
had no lease for a while (a cut in one direction). Heartbeats also say whom their sender does not
hear, so that it is known of two members that they are parted though both are heard here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .messages import Heartbeat
from .settings import SUSPECT_MS
from .table import Member, Table


@dataclass(slots=True)
class Sign:
    """The last that was heard of a device."""

    incarnation: int
    heard_ms: int
    fenced_since_ms: int | None = None
    is_leaving: bool = False
    is_moving: bool = False
    used_bytes: int = 0
    free_bytes: int = 0
    is_gone: bool = False  # its process was seen to have ended
    misses: dict[Member, int] = field(default_factory=dict)  # whom it does not hear -> since when


class Detector:
    """The signs of life of all devices."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.signs: dict[str, Sign] = {}

    def heard(self, member: Member, now_ms: int, *, is_foreign: bool) -> bool:
        """Note a sign of life; False if the run of that device is known to be over.

        A member that speaks for another cluster (``is_foreign``) does nothing for this one.
        """
        sign = self.signs.get(member.device)
        if sign is None or member.incarnation > sign.incarnation:
            self.signs[member.device] = Sign(member.incarnation, now_ms)
            return True
        if member.incarnation < sign.incarnation:
            return False
        if not is_foreign:
            sign.heard_ms = now_ms
            sign.is_gone = False
        return True

    def beaten(self, member: Member, beat: Heartbeat, now_ms: int) -> None:
        """Note what a member, which was just heard, says of itself."""
        sign = self.signs[member.device]
        sign.is_leaving, sign.is_moving = beat.is_leaving, beat.is_moving
        sign.used_bytes, sign.free_bytes = beat.used_bytes, beat.free_bytes
        if not beat.is_fenced:
            sign.fenced_since_ms = None
        elif sign.fenced_since_ms is None:
            sign.fenced_since_ms = now_ms
        sign.misses = {missed: sign.misses.get(missed, now_ms) for missed in beat.unheard}

    def unheard(self, table: Table, now_ms: int) -> tuple[Member, ...]:
        """Return the members that are not heard here."""
        return tuple(member for member in table.members if not self.is_alive(member, now_ms))

    def parted(self, table: Table, now_ms: int) -> Iterator[tuple[Member, Member]]:
        """Yield who of the members misses whom for long, though both are heard here."""
        for member in table.members:
            sign = self.signs.get(member.device)
            if sign is None or not sign.misses or not self.is_alive(member, now_ms):
                continue
            for missed, since_ms in sign.misses.items():
                is_long = now_ms - since_ms >= SUSPECT_MS
                if is_long and missed in table and self.is_alive(missed, now_ms):
                    yield member, missed

    def gone(self, member: Member) -> None:
        """Note that a process has ended: its port refuses connections."""
        sign = self.signs.get(member.device)
        if sign is not None and sign.incarnation == member.incarnation:
            sign.is_gone = True

    def forgive(self, late_ms: int) -> None:
        """Take no silence amiss that fell into a time in which this node did not run."""
        for sign in self.signs.values():
            sign.heard_ms += late_ms
            if sign.fenced_since_ms is not None:
                sign.fenced_since_ms += late_ms
            sign.misses.clear()

    def expect(self, table: Table, now_ms: int) -> None:
        """Give members that were never heard of the time to say something."""
        for member in table.members:
            sign = self.signs.get(member.device)
            if sign is None:
                self.signs[member.device] = Sign(member.incarnation, now_ms)

    def is_heard(self, device: str, now_ms: int) -> bool:
        """Return whether some run of the device is there."""
        if device == self._device:
            return True
        sign = self.signs.get(device)
        return sign is not None and now_ms - sign.heard_ms < SUSPECT_MS and not sign.is_gone

    def is_over(self, member: Member) -> bool:
        """Return whether a later run of the device proves that this one has ended."""
        sign = self.signs.get(member.device)
        return sign is not None and sign.incarnation > member.incarnation

    def is_alive(self, member: Member, now_ms: int) -> bool:
        """Return whether a member is heard of."""
        if member.device == self._device:
            return True
        return not self.is_over(member) and self.is_heard(member.device, now_ms)

    def is_fenced(self, member: Member, now_ms: int) -> bool:
        """Return whether a member that is heard of has said for long that it has no lease."""
        sign = self.signs.get(member.device)
        return (
            sign is not None
            and sign.fenced_since_ms is not None
            and now_ms - sign.fenced_since_ms >= SUSPECT_MS
        )

    def leaving(self, table: Table) -> list[Member]:
        """Return the members that have asked to leave."""
        return [
            member
            for member in table.members
            if (sign := self.signs.get(member.device)) is not None
            and sign.incarnation == member.incarnation
            and sign.is_leaving
        ]
