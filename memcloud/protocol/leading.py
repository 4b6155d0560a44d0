"""What the leader sees to: members come and go, and slots go to where they belong.

The leader is the first member in the table that seems alive. Nothing depends on there being one
only: it proposes and asks, and ballots and primaries decide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from . import leases
from .ballots import Ages
from .deciding import Deciding
from .messages import Join, Order
from .planning import Batch, Plan, is_empty_handed, membership_change, plan
from .settings import ATTEMPT_MS, JOIN_MS, ORDER_MS, PARTED_MS
from .state import State
from .table import NO_CLUSTER, Assignment, Change, Cluster, Member, Table


@dataclass(slots=True)
class Candidate:
    """A node that wants to be a member."""

    member: Member
    weight: int
    heard_ms: int


_NOBODY = Candidate(Member("", 0), 0, 0)


class Leading:
    """The duties of the leader, done by every node for as long as it takes itself for the one."""

    def __init__(self, state: State, deciding: Deciding) -> None:
        self._state = state
        self._deciding = deciding
        self._candidates: dict[str, Candidate] = {}
        self._kept_out: dict[str, int] = {}  # devices that may join again then
        self._plan: Plan | None = None
        self._planned_for: tuple[int, tuple[Member, ...]] = (-1, ())
        self._left_asked: tuple[Cluster, int, tuple[Member, ...]] = (NO_CLUSTER, -1, ())
        self._left_found: list[Member] = []
        self._order_ms = 0
        self._ordered: Batch | None = None
        self._turn = 0
        self._turn_ms = 0
        self.is_leaving = False

    def on_join(self, source: Member, message: Join) -> None:
        """Note who wants to be a member of this cluster."""
        candidate = Candidate(source, message.weight, self._state.now_ms)
        self._candidates[source.device] = candidate

    def note_removed(self, old: Table, new: Table) -> None:
        """Keep who was removed out for a while if it is heard here: somebody else does not hear it.

        It would come and go as often as a table can be decided.
        """
        detector, now_ms = self._state.detector, self._state.now_ms
        leaving = detector.leaving(old)
        for member in old.members:
            if member in new or member == self._state.me or member in leaving:
                continue
            if detector.is_alive(member, now_ms) and not detector.is_fenced(member, now_ms):
                self._kept_out[member.device] = now_ms + PARTED_MS

    def leader(self) -> Member | None:
        """Return the first member that seems alive, and able to lead as far as this one is."""
        state = self._state
        assert state.table is not None
        now_ms, has_lease = state.now_ms, state.has_lease
        return next(
            (
                each
                for each in state.table.members
                if each == state.me
                or (
                    state.detector.is_alive(each, now_ms)
                    and not (has_lease and state.detector.is_fenced(each, now_ms))
                )
            ),
            None,
        )

    def tick(self) -> None:
        """Propose or order the next thing, if this node is the leader and nothing is under way."""
        state = self._state
        if not state.is_member or not self._deciding.is_idle or self.leader() != state.me:
            return
        table = state.table
        assert table is not None
        for member in table.members:  # what they asked for is done, and they may leave again
            if self._candidates.get(member.device, _NOBODY).member == member:
                del self._candidates[member.device]
        heard = [
            device for device in table.devices if state.detector.is_heard(device, state.now_ms)
        ]
        if not table.is_quorum(heard):
            return
        if self._dead(()) or self._joining(self._dead(())) or self._left():
            self._deciding.propose(self.change)
        elif table.heir == NO_CLUSTER:
            self._work_off()

    def is_for_nothing(self) -> bool:
        """Return whether this node wants to leave, and so do all who could take its slots."""
        state = self._state
        if not self.is_leaving or not state.is_member or state.table is None:
            return False
        return len(set(self._leaving())) == len(state.table.members)

    def resume(self) -> None:
        """Let a cluster go on whose members have all been restarted, or cannot be reached."""
        state = self._state
        table = state.table
        if table is None or not self._deciding.has_vote or not self._deciding.is_idle:
            return
        first = next(
            device for device in table.devices if state.detector.is_heard(device, state.now_ms)
        )
        if first == state.me.device:
            mine = Candidate(state.me, state.settings.weight, state.now_ms)
            self._candidates[state.me.device] = mine
            self._deciding.propose(self.change)

    def change(
        self, ages: Mapping[str, Ages], assigned: Mapping[int, Assignment] | None = None
    ) -> Change:
        """Return the next table's change: who is gone, who comes, and what was assigned."""
        state = self._state
        table = state.table
        assert table is not None
        dead = self._dead(ages)
        joining = self._joining(dead)
        gone = [*dead, *(member for member in self._left() if member not in dead)]
        possible = {
            slot: assignment
            for slot, assignment in (assigned or {}).items()
            if not set(assignment.holders).intersection(gone)
        }
        return membership_change(
            table,
            gone,
            joining,
            state.settings.targets,
            lambda member: self._hold(member, ages),
            possible,
            present=ages,  # by the devices that have just promised
        )

    def plan(self) -> Plan:
        """Return what is left to be done towards the target."""
        state = self._state
        assert state.table is not None
        leaving = tuple(self._leaving())
        if self._plan is None or self._planned_for != (state.epoch, leaving):
            settings = state.settings
            self._plan = plan(state.table, leaving, settings.targets, settings.replicas)
            self._planned_for = (state.epoch, leaving)
            self._turn = 0
            self._turn_ms = state.now_ms
            self._order_ms = state.now_ms
        return self._plan

    def _work_off(self) -> None:
        state, todo = self._state, self.plan()
        if todo.is_done or state.now_ms < self._order_ms:
            return
        self._order_ms = state.now_ms + ORDER_MS
        if not todo.batches:
            self._deciding.propose(lambda ages: self.change(ages, todo.drops))
            return
        if state.now_ms - self._turn_ms >= 2 * ATTEMPT_MS:
            self._turn += 1
            self._turn_ms = state.now_ms
        batch = todo.batches[self._turn % len(todo.batches)]
        if not self._is_other_moving(batch.source):
            order = Order(state.epoch, batch.kind, batch.target, batch.slots)
            state.send(batch.source, order)

    def _is_other_moving(self, source: Member) -> bool:
        """Return whether an attempt is under way that a second one would end."""
        state = self._state
        assert state.table is not None
        signs = state.detector.signs
        return any(
            member != source and member.device in signs and signs[member.device].is_moving
            for member in state.table.members
        )

    def _dead(self, promised: Collection[str]) -> list[Member]:
        """Return the members to remove; who has just promised is there.

        One that has no lease, though this one has, may have lost those who are to be removed just
        now. So it is removed only if it is the only thing that is wrong. And so is, at last, one of
        two that do not hear each other.
        """
        state = self._state
        table, detector = state.table, state.detector
        assert table is not None
        dead = [
            member
            for member in table.members
            if self._is_over(member)
            or (not detector.is_alive(member, state.now_ms) and member.device not in promised)
        ]
        if dead or not state.has_lease:
            return dead
        fenced = [
            member
            for member in table.members
            if member != state.me and detector.is_fenced(member, state.now_ms)
        ]
        return fenced[-1:] or self._parted()

    def _parted(self) -> list[Member]:
        """Return one of two members that do not hear each other, unless keys were lost with it.

        The slots of which the one is the primary and the other a backup would stand still. It is
        the one that is parted from the most others; of those the last one in the table.
        """
        state = self._state
        table = state.table
        assert table is not None
        pairs = Counter(
            member for pair in state.detector.parted(table, state.now_ms) for member in pair
        )
        if not pairs:
            return []
        needed = {state.me, *(each.primary for each in table.slots if not each.backups)}
        others = [member for member in table.members if member in pairs and member not in needed]
        return sorted(others, key=pairs.__getitem__)[-1:]

    def _is_over(self, member: Member) -> bool:
        """Return whether a later run of a device, maybe this one, proves that a member ended."""
        state = self._state
        if member.device == state.me.device:
            return member != state.me
        return state.detector.is_over(member)

    def _joining(self, dead: Collection[Member]) -> list[tuple[Member, int]]:
        state = self._state
        assert state.table is not None
        return [
            (each.member, each.weight)
            for each in self._candidates.values()
            if state.now_ms - each.heard_ms < 3 * JOIN_MS
            and all(
                member in dead
                for member in state.table.members
                if member.device == each.member.device
            )
            and not self._is_over(each.member)
            and each.member not in state.table
            and state.now_ms >= self._kept_out.get(each.member.device, 0)
        ]

    def _leaving(self) -> list[Member]:
        state = self._state
        assert state.table is not None
        mine = [state.me] if self.is_leaving else []
        return [*mine, *state.detector.leaving(state.table)]

    def _left(self) -> list[Member]:
        """Return those that want to leave and hold nothing any more."""
        table = self._state.table
        assert table is not None
        leaving = self._leaving()
        if len(leaving) == len(table.members):
            leaving = leaving[1:]
        asked = (table.cluster, table.epoch, tuple(leaving))
        if asked != self._left_asked:
            self._left_asked = asked
            self._left_found = [member for member in leaving if is_empty_handed(table, member)]
        return self._left_found

    def _hold(self, member: Member, ages: Mapping[str, Ages]) -> int:
        if self._is_over(member):
            return 0
        return leases.hold_ms(member, list(ages.values()))
