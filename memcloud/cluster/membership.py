"""Who is in the slot table in force, and what this node knows about them.

The table comes from the protocol, which knows members as runs of devices; names, addresses and
loads come over the links. A member that no link leads to yet is known by its device only.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import cast

from memcloud.clock import Clock
from memcloud.link.messages import PROTOCOL_VERSION, Identity
from memcloud.ring import SLOTS, SlotTable

from .member import Member, State
from .names import member_id

logger = logging.getLogger(__name__)

SUSPECT_AFTER_MS = 600
DEPARTED_MAX = 64
KNOWN_MAX = 1024


class Membership:
    """The members, and who owns which slot."""

    def __init__(self, me: Member, clock: Clock) -> None:
        self.me = me
        self._clock = clock
        self._known: dict[str, Member] = {}  # whoever was met, in the table or not
        self._others: dict[str, Member] = {}
        self._departed: dict[str, Member] = {}
        self._set_table(SlotTable(0, (me.id,) * SLOTS))

    @property
    def epoch(self) -> int:
        """The number of the table in force, 0 before there is one."""
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
        """Members that are gone, the latest last; so that PEERDOWN can be told from NOPEER."""
        return list(self._departed.values())

    @property
    def is_alone(self) -> bool:
        """Whether this node is the only member."""
        return not self._others

    def find(self, identifier: str) -> Member | None:
        """Return a present member by its id."""
        return self.me if identifier == self.me.id else self._others.get(identifier)

    def known(self, identifier: str) -> Member | None:
        """Return whoever was met under that id, a member or not."""
        return self._known.get(identifier)

    def find_by_name(self, name: str) -> Member | None:
        """Return a member by its name: a present one, else one that is down, else None."""
        for member in self.members:
            if member.name == name:
                return member
        gone = [member for member in self._departed.values() if member.name == name]
        return gone[-1] if gone else None

    def adopt(
        self,
        epoch: int,
        members: Sequence[tuple[str, int]],
        owners: Sequence[str],
        left: Collection[str] = (),
    ) -> None:
        """Let a table be in force: members (device, incarnation), and the owner of each slot.

        ``left`` are the ids of those that are gone because they wanted to.
        """
        before, self._others = self._others, {}
        for device, incarnation in members:
            identifier = member_id(device, incarnation)
            if identifier == self.me.id:
                continue
            self._departed.pop(identifier, None)
            member = self._known.get(identifier) or before.get(identifier)
            self._others[identifier] = member or _stranger(device, incarnation)
        for member in before.values():
            if member.id not in self._others:
                self._depart(member, State.LEFT if member.id in left else State.DOWN)
        self._set_table(SlotTable(epoch, owners))

    def met(self, identity: Identity, host: str) -> Member:
        """Note who is on a link, and where."""
        member = self._known.get(identity.id)
        if member is None:
            member = self._known[identity.id] = Member(identity, host)
            logger.info("met %s at %s:%d", member.name, host, identity.peer_port)
        member.last_heard_ms = self._clock.now_ms()
        if identity.id in self._others:
            self._others[identity.id] = member
        if len(self._known) > KNOWN_MAX:
            oldest = next(each for each in self._known if each not in self._others)
            del self._known[oldest]
        return member

    def forget_all(self, me: Member) -> None:
        """Go on as another member, in no table."""
        self.me = me
        self._others.clear()
        self._set_table(SlotTable(0, (me.id,) * SLOTS))

    def heard(self, identifier: str) -> None:
        """Note that bytes came from a member."""
        member = self._known.get(identifier)
        if member is not None:
            member.last_heard_ms = self._clock.now_ms()
            if identifier not in self._departed:  # whoever leaves says a few words more
                member.state = State.ALIVE

    def forgive(self, pause_ms: int) -> None:
        """This node itself did not run for a while: nobody's silence in that time counts."""
        for member in self._others.values():
            member.last_heard_ms += pause_ms

    def tick(self) -> None:
        """Mark the members that have been silent."""
        now_ms = self._clock.now_ms()
        for member in self._others.values():
            if now_ms - member.last_heard_ms >= SUSPECT_AFTER_MS:
                member.state = State.SUSPECT

    def _depart(self, member: Member, state: State) -> None:
        member.state = state
        self._departed[member.id] = member
        while len(self._departed) > DEPARTED_MAX:
            del self._departed[next(iter(self._departed))]

    def _set_table(self, table: SlotTable) -> None:
        self.table = table
        # A table has an owner for every slot.
        self.owners = cast("tuple[str, ...]", table.owners)


def _stranger(device: str, incarnation: int) -> Member:
    """Return a member of the table that was never met."""
    identity = Identity(
        version=PROTOCOL_VERSION,
        cluster="",
        device=device,
        incarnation=incarnation,
        id=member_id(device, incarnation),
        name=device.partition("-")[0][:8],
        bind="127.0.0.1",
        port=0,
        peer_bind="127.0.0.1",
        peer_port=0,
        memory_bytes=1,
        uptime_ms=0,
        is_serving=False,
    )
    return Member(identity, "", State.SUSPECT)
