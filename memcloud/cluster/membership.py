"""The first form of membership: every node's table follows from the members it sees.

A node is in the view while a link to it is up and it answers. All nodes with the same view compute
the same slot table, because the table is a function of the member set alone; for as long as two
views differ, an owner refuses calls for slots that are not its own by its own table, and the
caller asks again.

What this form does not promise: a slot that changes owner starts empty on the new one, and when
the network splits each side goes on by itself. So that no value of before a split comes back after
it, a member that was given up must start over empty before it is let in again: see `is_excluded`.

The decided, epoch-numbered table will replace the way the table comes about, not its users.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

from memcloud.clock import Clock
from memcloud.link.messages import DEPARTED_MAX, Identity
from memcloud.ring import Share, SlotTable, target_table

from .member import Member, State

logger = logging.getLogger(__name__)

SUSPECT_AFTER_MS = 1500
DOWN_AFTER_MS = 3000


class Membership:
    """Who is there, and the slot table that follows from it."""

    def __init__(
        self, me: Member, clock: Clock, on_table: Callable[[SlotTable, SlotTable], None]
    ) -> None:
        """``on_table(old, new)`` is called after each change of the table."""
        self.me = me
        self._clock = clock
        self._on_table = on_table
        self._others: dict[str, Member] = {}
        self._departed: dict[str, Member] = {}
        self._set_table(target_table([self._share(me)], 1))

    @property
    def epoch(self) -> int:
        """The number of the table in force."""
        return self.table.epoch

    @property
    def members(self) -> list[Member]:
        """The members in the table, this node first, then by name."""
        return [
            self.me,
            *sorted(self._others.values(), key=lambda member: (member.name, member.id)),
        ]

    @property
    def departed(self) -> list[Member]:
        """Members that are gone, the latest last.

        They stay known, so that PEERDOWN can be told from NOPEER and none comes back unnoticed.
        """
        return list(self._departed.values())

    @property
    def is_alone(self) -> bool:
        """Whether this node is the only member."""
        return not self._others

    @property
    def view_first(self) -> str:
        """The lowest id in the view."""
        return min([self.me.id, *self._others])

    def find(self, member_id: str) -> Member | None:
        """Return a present member by its id."""
        return self.me if member_id == self.me.id else self._others.get(member_id)

    def find_by_name(self, name: str) -> Member | None:
        """Return a member by its name: a present one, else one that is down, else None."""
        for member in self.members:
            if member.name == name:
                return member
        gone = [member for member in self._departed.values() if member.name == name]
        return gone[-1] if gone else None

    def is_excluded(self, identity: Identity) -> bool:
        """Return whether that run of a node was given up and has to start over empty.

        Of two that gave each other up, the one that sees the smaller part starts over (of equal
        parts, the one without the lowest id), so that one side keeps its data.
        """
        if identity.id not in self._departed:
            return False
        if self.me.id not in identity.departed:
            return True
        mine = (-len(self.members), self.view_first)
        return mine < (-identity.view_size, identity.view_first)

    def add(self, identity: Identity, host: str) -> Member:
        """Take a member in, or note that one in the view was heard of again."""
        member = self._others.get(identity.id)
        if member is None:
            self._departed.pop(identity.id, None)
            member = self._others[identity.id] = Member(identity, host)
            member.last_heard_ms = self._clock.now_ms()
            logger.info("%s joined from %s:%d", member.name, host, identity.peer_port)
            self._rebuild(self.epoch + 1)
        return member

    def remove(self, member_id: str, why: str) -> None:
        """Give a member up."""
        member = self._others.pop(member_id, None)
        if member is None:
            return
        member.state = State.DOWN
        self._departed[member_id] = member
        while len(self._departed) > DEPARTED_MAX:
            del self._departed[next(iter(self._departed))]
        logger.warning("%s is gone (%s); its slots start empty on the others", member.name, why)
        self._rebuild(self.epoch + 1)

    def forget_all(self, me: Member) -> None:
        """Start over as another member, alone."""
        self.me = me
        self._others.clear()
        self._departed.clear()
        self._rebuild(self.epoch + 1)

    def heard(self, member_id: str) -> None:
        """Note that bytes came from a member."""
        member = self._others.get(member_id)
        if member is not None:
            member.last_heard_ms = self._clock.now_ms()
            member.state = State.ALIVE

    def adopt_epoch(self, epoch: int, digest: int) -> None:
        """Use the higher of two numbers for the same table."""
        if digest == self.table.digest and epoch > self.epoch:
            self._set_table(self._target(epoch))

    def forgive(self, pause_ms: int) -> None:
        """This node itself did not run for a while: nobody's silence in that time counts."""
        for member in self._others.values():
            member.last_heard_ms += pause_ms

    def silent_members(self) -> list[Member]:
        """Mark the suspects and return the members whose time is over."""
        now_ms = self._clock.now_ms()
        over = []
        for member in self._others.values():
            silence_ms = now_ms - member.last_heard_ms
            if silence_ms >= DOWN_AFTER_MS:
                over.append(member)
            elif silence_ms >= SUSPECT_AFTER_MS:
                member.state = State.SUSPECT
        return over

    def _rebuild(self, epoch: int) -> None:
        old = self.table
        self._set_table(self._target(epoch))
        self._on_table(old, self.table)

    def _target(self, epoch: int) -> SlotTable:
        return target_table([self._share(member) for member in self.members], epoch)

    def _set_table(self, table: SlotTable) -> None:
        self.table = table
        # This node is always in its own view, so no slot is without an owner.
        self.owners = cast("tuple[str, ...]", table.owners)

    @staticmethod
    def _share(member: Member) -> Share:
        return Share(member.id, member.identity.memory_bytes)
