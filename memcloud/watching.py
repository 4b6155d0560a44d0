"""Tells people what the protocol does: looks at it after each event, and notes what has changed.

The protocol itself says nothing to anybody; it would have to be told what is worth a word. Here it
is only read. What lasts a moment only, such as the lease that every new table ends until it is
acknowledged again, is noted when it has lasted `LEASE_PATIENCE_MS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.cluster.names import member_id
from memcloud.protocol.messages import MoveKind
from memcloud.protocol.moves import Attempt
from memcloud.protocol.planning import is_empty_handed
from memcloud.protocol.table import NO_CLUSTER, Member, Table

from .events import Kind

if TYPE_CHECKING:
    from memcloud.protocol.core import Core

    from .node import Node

LEASE_PATIENCE_MS = 1000
# To see whether there is something left to move, every slot is looked at.
PLAN_EVERY_MS = 1000


class Watcher:
    """What was last seen of the protocol of a node."""

    def __init__(self, node: Node, core: Core) -> None:
        self._node = node
        self._core = core
        self._attempt: Attempt | None = None
        self._attempt_ms = 0
        self._moves_done = 0
        self._suspects: dict[Member, None] = {}
        self._has_lost_lease = False
        self._without_lease_ms: int | None = None
        self._planned_epoch = -1
        self._planned_ms = -PLAN_EVERY_MS
        self._rebalance_ms: int | None = None
        self.slots_at_start = 0
        """How many slots there were to move when that began; 0 when there are none."""
        self.refused: dict[Member, tuple[int, int]] = {}
        """By who had no room for slots: the bytes that they need, and what it had."""

    def name_of(self, member: Member) -> str:
        """Return how people call a member."""
        if member == self._core.me:
            return self._node.settings.name
        known = self._node.membership.known(member_id(*member))
        return known.name if known is not None else member.device.partition("-")[0][:8]

    @property
    def suspects(self) -> list[Member]:
        """The members of the table that have said nothing for too long."""
        state = self._core.state
        table = state.table
        if table is None or not state.is_member:
            return []
        return [
            member
            for member in table.members
            if member != state.me and not state.detector.is_alive(member, self._node.clock.now_ms())
        ]

    def look(self) -> None:
        """Note what time has changed."""
        self._look_at_lease()
        self._look_at_members()
        self._look_at_plan()

    def look_at_moves(self) -> None:
        """Note the beginning or end of an attempt to move slots; cheap if there is none."""
        attempt = self._core.moves.attempt
        if attempt is self._attempt:
            return
        if self._attempt is not None:
            self._move_ended(self._attempt)
        self._attempt = attempt
        if attempt is not None:
            self._attempt_ms = self._node.clock.now_ms()
            self._note(
                Kind.MOVE_BEGUN,
                f"{_what(attempt)} {_slots(len(attempt.slots))} to {self.name_of(attempt.target)}",
            )

    def table_changed(self, old: Table | None, new: Table) -> None:
        """Note a new table and why it is one."""
        self.look_at_moves()
        self._without_lease_ms = None
        if old is None:
            self._entered(new)
        elif old.cluster != new.cluster:
            missing = [self.name_of(member) for member in old.members if member not in new]
            self._note(
                Kind.ISOLATED,
                f"cut off from {_listed(missing)}: a cluster of {_listed(self._names(new))} goes on"
                " with what they hold; what they hold no copy of starts empty",
            )
        else:
            self._note_difference(old, new)
        if old is None or old.members != new.members:  # so there is something to move, most likely
            self._planned_ms = -PLAN_EVERY_MS

    def have_left(self, old: Table | None, new: Table) -> list[Member]:
        """Return who is gone in a new table because it wanted to, and holds nothing."""
        if old is None or old.cluster != new.cluster or old.members == new.members:
            return []
        signs = self._core.state.detector.signs
        return [
            member
            for member in old.members
            if member not in new
            and is_empty_handed(old, member)
            and (sign := signs.get(member.device)) is not None
            and sign.is_leaving
        ]

    def renewed(self, why: str) -> None:
        """Note that this node starts over."""
        self._attempt = None
        self._suspects.clear()
        self.refused.clear()
        self._has_lost_lease, self._without_lease_ms = False, None
        self._rebalance_ms, self.slots_at_start = None, 0
        if "has left" in why:
            self._note(Kind.LEFT, why)
            return
        kind = Kind.DISSOLVED if "dissolved" in why else Kind.GIVEN_UP
        self._note(kind, f"{why}: this node starts over, empty")

    def _note(self, kind: Kind, text: str) -> None:
        self._node.events.note(kind, text)

    def _names(self, table: Table) -> list[str]:
        return [self.name_of(member) for member in table.members]

    def _entered(self, table: Table) -> None:
        me = self._node.settings.name
        if len(table.members) == 1:
            self._note(Kind.FOUNDED, f"{me} has founded a cluster at epoch {table.epoch}")
            return
        others = [self.name_of(each) for each in table.members if each != self._core.me]
        self._note(Kind.JOINED, f"{me} has joined {_listed(others)} at epoch {table.epoch}")

    def _note_difference(self, old: Table, new: Table) -> None:
        came = [member for member in new.members if member not in old]
        went = [member for member in old.members if member not in new]
        left = self.have_left(old, new)
        for member in went:
            self._went(member, old, has_left=member in left)
        for member in came:
            self._note(Kind.JOINED, f"{self.name_of(member)} has joined at epoch {new.epoch}")
        if new.heir != NO_CLUSTER and old.heir == NO_CLUSTER:
            self._note(
                Kind.DISSOLVED,
                "an older cluster was met: this one dissolves into it, and its keys go there where"
                " there are none of the same name",
            )
        count = sum(1 for _ in old.differing_slots(new))
        whys = [
            *([f"{_listed([self.name_of(each) for each in came])} came"] if came else []),
            *([f"{_listed([self.name_of(each) for each in went])} went"] if went else []),
            *([f"{_slots(count)} changed hands or copies"] if count else []),
        ]
        self._note(Kind.TABLE, f"epoch {new.epoch}: {', '.join(whys) or 'nothing changed'}")

    def _went(self, member: Member, old: Table, *, has_left: bool) -> None:
        name = self.name_of(member)
        was_suspect = self._suspects.pop(member, 0) is None
        self.refused.pop(member, None)
        detector = self._core.state.detector
        sign = detector.signs.get(member.device)
        if has_left:
            self._note(Kind.LEFT, f"{name} has left, and has given away what it had")
            return
        if detector.is_over(member):
            why = "it was started again"
        elif sign is not None and sign.is_gone:
            why = "its process has ended"
        elif was_suspect:
            why = "nothing was heard of it"
        else:
            why = "others do not hear of it, or it heard of nobody"
        led = sum(each.primary == member for each in old.slots)
        lost = sum(each.primary == member and not each.backups for each in old.slots)
        rest = f", {lost} of which have no copy and start empty" if lost else ""
        self._note(Kind.GIVEN_UP, f"{name} was given up ({why}); it led {_slots(led)}{rest}")

    def _look_at_lease(self) -> None:
        now_ms = self._node.clock.now_ms()
        if self._core.state.is_member and now_ms < self._core.lease_until_ms:
            self._without_lease_ms = None
            if self._has_lost_lease:
                self._has_lost_lease = False
                self._note(Kind.LEASE_REGAINED, "a quorum answers again: this node serves")
        elif not self._core.state.is_member:
            self._without_lease_ms = None
        elif self._without_lease_ms is None:
            self._without_lease_ms = now_ms
        elif now_ms - self._without_lease_ms >= LEASE_PATIENCE_MS and not self._has_lost_lease:
            self._has_lost_lease = True
            silent = [self.name_of(member) for member in self.suspects]
            whom = f" ({_listed(silent)} cannot be heard)" if silent else ""
            self._note(
                Kind.LEASE_LOST, f"no quorum answers{whom}: this node serves nothing until one does"
            )

    def _look_at_members(self) -> None:
        if not self._suspects and self._node.membership.is_alone:
            return
        suspects = dict.fromkeys(self.suspects)
        table = self._core.table
        for member in suspects:
            if member not in self._suspects:
                self._note(Kind.SUSPECTED, f"{self.name_of(member)} cannot be heard")
        for member in self._suspects:
            if member not in suspects and table is not None and member in table:
                self._note(Kind.RECOVERED, f"{self.name_of(member)} can be heard again")
        self._suspects = suspects

    def _look_at_plan(self) -> None:
        state, now_ms = self._core.state, self._node.clock.now_ms()
        is_known = self._planned_epoch == state.epoch
        if is_known or not state.is_member or now_ms - self._planned_ms < PLAN_EVERY_MS:
            return
        self._planned_epoch, self._planned_ms = state.epoch, now_ms
        left = self._node.clustering.slots_to_move()
        if left and self._rebalance_ms is None:
            self._rebalance_ms, self._moves_done = now_ms, self._core.moves.done
            self.slots_at_start = left
            self._note(Kind.REBALANCE, f"{_slots(left)} are to be copied, moved or dropped")
        self.slots_at_start = max(self.slots_at_start, left) if left else 0
        if left or self._rebalance_ms is None:
            return
        seconds = (now_ms - self._rebalance_ms) / 1000
        mine = self._core.moves.done - self._moves_done
        self._rebalance_ms = None
        self.refused.clear()
        self._note(
            Kind.REBALANCE,
            f"all slots are where they belong after {seconds:.0f} s; {mine} batches were this"
            " node's to give",
        )

    def _move_ended(self, attempt: Attempt) -> None:
        moves, name = self._core.moves, self.name_of(attempt.target)
        seconds = (self._node.clock.now_ms() - self._attempt_ms) / 1000
        count = _slots(len(attempt.slots))
        if attempt.is_done:
            self.refused.pop(attempt.target, None)
            self._note(Kind.MOVE_DONE, f"{count} are at {name} after {seconds:.1f} s")
        elif attempt.needed_bytes is not None:
            has_bytes = moves.refused_bytes[attempt.target]
            is_first = attempt.target not in self.refused
            self.refused[attempt.target] = (attempt.needed_bytes, has_bytes)
            if is_first:  # it is asked again all the time
                self._note(
                    Kind.MOVE_REFUSED,
                    f"{name} has no room for {count}: they need {attempt.needed_bytes} bytes, it"
                    f" has {has_bytes}",
                )
        else:
            self._note(Kind.MOVE_ENDED, f"{count} did not get to {name}; they are tried again")


def _what(attempt: Attempt) -> str:
    return "giving" if attempt.kind is MoveKind.MOVE else "copying"


def _slots(count: int) -> str:
    return f"{count} slot{'' if count == 1 else 's'}"


def _listed(names: list[str]) -> str:
    if len(names) < 2:
        return "".join(names) or "nobody"
    return f"{', '.join(names[:-1])} and {names[-1]}"
