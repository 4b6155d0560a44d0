"""How clusters begin: at a start, and when a part of one is cut off for good.

A node that is in no table asks whoever it reaches to be taken in. When it has met no living member
for a while, it founds a cluster, if it has the lowest name of those who are in the same position;
the others wait for it and join. A node that remembers a cluster does the same, unless those who are
outside have a quorum in it: then they go on with it, empty (`Leading.resume`).

Members that have had no quorum for 8 s found a cluster, too, if the settings let them. The first of
them by the table asks the others for a *pledge*: each tells which slots it holds and leaves the old
cluster for good, so that its data is in one cluster only. If together they have a copy of every
slot, or if all who are missing are known to have ended, they go on with what they have. If not, all
slots start empty: rather a miss than half a truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import groupby

from .ballots import Acceptor
from .effects import SaveRecord
from .messages import Beacon, FoundingAsked, FoundingPledged, Join, TableInForce
from .serving import Serving
from .settings import (
    BEACON_MS,
    GRANT_MS,
    ISOLATED_MS,
    JOIN_MS,
    PLEDGE_MS,
    PLEDGED_MS,
    START_MS,
    SUSPECT_MS,
    Isolation,
)
from .state import State
from .table import NO_CLUSTER, Assignment, Cluster, Member, Table, found


@dataclass(slots=True)
class Sighting:
    """A cluster that was heard of."""

    heard_ms: int
    device: str
    member_count: int
    is_serving: bool


@dataclass(slots=True)
class Gathering:
    """A founding that waits for pledges."""

    founded: Cluster
    due_ms: int
    weights: dict[Member, int]
    asked: int = 0
    holders: dict[Member, frozenset[int]] = field(default_factory=dict)


class Founding:
    """What a node does about being outside, or cut off."""

    def __init__(self, state: State, serving: Serving, acceptor: Acceptor) -> None:
        """``adopt`` and ``renew`` are set by who joins the parts."""
        self._state = state
        self._serving = serving
        self._acceptor = acceptor
        self._outside_since_ms = state.now_ms
        self._start_ms = state.settings.start_ms
        self._fenced_since_ms: int | None = None
        self._member_heard_ms: int | None = None
        # By device: when it was heard, and whether it would found a cluster.
        self._outsiders: dict[str, tuple[int, bool]] = {}
        self._next_ms = 0
        self._pledged: tuple[Cluster, int] | None = None
        self._gathering: Gathering | None = None
        self.sightings: dict[Cluster, Sighting] = {}
        self.known: dict[str, None] = {}  # devices that can be reached, in order
        self.adopt: Callable[[Table], None] = lambda table: None
        self.renew: Callable[[str], None] = lambda why: None

    @property
    def is_fenced(self) -> bool:
        """Whether this member has no lease."""
        return self._fenced_since_ms is not None

    @property
    def pledged_to(self) -> Cluster | None:
        """The cluster for which this member has left its own."""
        return self._pledged[0] if self._pledged else None

    def outside(self) -> None:
        """This node is in no table from now on."""
        self._outside_since_ms = self._state.now_ms
        # There was a cluster that it is to join, which takes longer than to found another.
        self._start_ms = max(self._start_ms, START_MS)
        self._member_heard_ms = None
        self._fenced_since_ms = None
        self._pledged = None
        self._gathering = None

    def inside(self) -> None:
        """This node is a member from now on."""
        self._fenced_since_ms = None
        self._pledged = None
        self._gathering = None

    def tick(self) -> None:
        """Ask to be taken in, found, or tell others that there is a cluster."""
        if self._pledged is not None:
            self._tick_pledged(*self._pledged)
        elif self._state.is_member:
            self._tick_inside()
        else:
            self._tick_outside()

    def on_join(self, source: Member, message: Join) -> None:
        """Another node is outside, too; tell it where there is a cluster."""
        state = self._state
        if state.is_member and not self._pledged:
            state.send(source, self._beacon())
        else:
            self._outsiders[source.device] = (state.now_ms, message.is_founder)

    def on_beacon(self, source: Member, cluster: Cluster, message: Beacon) -> None:
        """Note a cluster."""
        self.member_heard()
        self.sightings[cluster] = Sighting(
            self._state.now_ms, source.device, message.member_count, message.is_serving
        )

    def member_heard(self) -> None:
        """Note that there is a living member of some cluster."""
        self._member_heard_ms = self._state.now_ms

    def sought(self) -> Cluster:
        """Return the oldest cluster that was heard of lately, one that serves if there is any."""
        now_ms = self._state.now_ms
        for cluster in list(self.sightings):
            if now_ms - self.sightings[cluster].heard_ms >= SUSPECT_MS:
                del self.sightings[cluster]
        return min(
            self.sightings,
            key=lambda cluster: (not self.sightings[cluster].is_serving, cluster),
            default=NO_CLUSTER,
        )

    # Outside

    def _tick_outside(self) -> None:
        state = self._state
        if state.now_ms >= self._next_ms:
            self._next_ms = state.now_ms + JOIN_MS
            join = Join(state.settings.weight, state.epoch, self.sought(), self._is_founder())
            remembered = state.table.devices if state.table is not None else []
            for device in dict.fromkeys([*self.known, *remembered]):
                if device != state.me.device:
                    state.send_device(device, join)
        is_first = not any(
            is_founder and device < state.me.device for device, is_founder in self._near().items()
        )
        if is_first and self._is_founder() and self._is_due():
            if state.table is None:
                slots = [Assignment(state.me)] * state.settings.slot_count
            else:
                slots = [Assignment(state.me, (), now.lineage + 1) for now in state.table.slots]
            weights = {state.me: state.settings.weight}
            self.adopt(found(self._new_cluster(), state.epoch + 1, weights, slots))

    def may_resume(self) -> bool:
        """Return whether those who are near can decide for the cluster that they remember.

        They were all restarted, and hold nothing, but have their votes.
        """
        state = self._state
        table = state.table
        return (
            table is not None
            and not state.is_member
            and len(table.members) > 1
            and table.is_quorum({*self._near(), state.me.device})
            and self._waited_ms() >= self._start_ms
        )

    def _is_founder(self) -> bool:
        """Return whether this node would found a cluster after a while."""
        table = self._state.table
        is_alone = table is None or table.devices == [self._state.me.device]
        return is_alone or self._state.settings.isolation is not Isolation.REFUSE

    def _is_due(self) -> bool:
        """Return whether it has waited for others long enough."""
        state = self._state
        table = state.table
        if table is None or table.devices == [state.me.device]:
            patience_ms = self._start_ms
        elif self.may_resume():
            patience_ms = ISOLATED_MS
        else:  # those who remember a cluster wait until the leases that they gave are over
            patience_ms = max(self._start_ms, GRANT_MS)
        return self._waited_ms() >= patience_ms

    def _waited_ms(self) -> int:
        """Return for how long this node has been outside and met no living member."""
        return self._state.now_ms - max(self._outside_since_ms, self._member_heard_ms or 0)

    def _near(self) -> dict[str, bool]:
        """Return the devices that are outside, too, and whether they would found a cluster."""
        now_ms = self._state.now_ms
        return {
            device: is_founder
            for device, (heard_ms, is_founder) in self._outsiders.items()
            if now_ms - heard_ms < SUSPECT_MS
        }

    # Inside

    def _tick_inside(self) -> None:
        state = self._state
        table = state.table
        assert table is not None
        if state.has_lease:
            self._fenced_since_ms = None
        elif self._fenced_since_ms is None:
            self._fenced_since_ms = state.now_ms
        if state.now_ms >= self._next_ms:
            self._next_ms = state.now_ms + BEACON_MS
            for device in self.known:
                if device not in table.devices and device != state.me.device:
                    state.send_device(device, self._beacon())
        if self.is_cut_off() and self._is_first(table):
            self._gather(table)

    def is_beyond_hope(self) -> bool:
        """Return whether this member has no quorum, may found nothing, and has met a cluster.

        The devices that it waits for may have founded that one, and will not vote any more.
        """
        since_ms, now_ms = self._fenced_since_ms, self._state.now_ms
        is_waiting = self._state.settings.isolation is Isolation.REFUSE
        return (
            since_ms is not None
            and now_ms - since_ms >= ISOLATED_MS + (0 if is_waiting else PLEDGED_MS)
            and self.sought() != NO_CLUSTER
            and self.sightings[self.sought()].is_serving
        )

    def is_cut_off(self, slack_ms: int = 0) -> bool:
        """Return whether this member has been without a quorum for long enough to leave it."""
        state = self._state
        if self._fenced_since_ms is None or state.settings.isolation is Isolation.REFUSE:
            return False
        if state.now_ms - self._fenced_since_ms >= ISOLATED_MS - slack_ms:
            return True
        # With a quorum it has no lease only while a table is being decided, or for a moment after.
        return not self._is_near_quorum() and self._all_missing_gone()

    def _is_near_quorum(self) -> bool:
        """Return whether those that are heard could decide."""
        table = self._state.table
        assert table is not None
        missing = self._missing()
        return table.is_quorum([each.device for each in table.members if each not in missing])

    def _missing(self) -> list[Member]:
        state = self._state
        assert state.table is not None
        detector = state.detector
        return [
            member
            for member in state.table.members
            if member != state.me and not detector.is_heard(member.device, state.now_ms)
        ]

    def _all_missing_gone(self) -> bool:
        signs = self._state.detector.signs
        return all(
            member.device in signs
            and signs[member.device].is_gone
            and signs[member.device].incarnation == member.incarnation
            for member in self._missing()
        )

    def _is_first(self, table: Table) -> bool:
        """Return whether this is the first of those who are cut off together."""
        missing = self._missing()
        detector = self._state.detector
        return self._state.me == next(
            member
            for member in table.members
            if member not in missing and not detector.is_over(member)
        )

    def _gather(self, table: Table) -> None:
        state = self._state
        founded = self._new_cluster()
        weight = state.settings.weight
        self._gathering = Gathering(founded, state.now_ms + PLEDGE_MS, {state.me: weight})
        self._gathering.holders[state.me] = frozenset(self._serving.held)
        missing = self._missing()
        for member in table.members:
            if member != state.me and member not in missing:
                state.send(member, FoundingAsked(founded, table.epoch))
                self._gathering.asked += 1
        self._pledge(founded, PLEDGED_MS)

    def _pledge(self, founded: Cluster, wait_ms: int) -> None:
        state = self._state
        self._pledged = (founded, state.now_ms + wait_ms)
        state.leases.end()
        self._acceptor.record = replace(self._acceptor.record, has_vote=False)
        state.effects.append(SaveRecord(self._acceptor.record))

    def on_asked(self, source: Member, message: FoundingAsked) -> None:
        """Pledge this member to a cluster that another one founds."""
        state = self._state
        if self._pledged is None:
            if not state.is_member or message.epoch != state.epoch or not self.is_cut_off(1000):
                return
            self._pledge(message.founded, PLEDGED_MS)
        if self._pledged is not None and self._pledged[0] == message.founded:
            state.send(
                source,
                FoundingPledged(
                    message.founded,
                    state.epoch,
                    state.settings.weight,
                    tuple(_runs(sorted(self._serving.held))),
                ),
            )

    def on_pledged(self, source: Member, message: FoundingPledged) -> None:
        """Count a pledge."""
        gathering, table = self._gathering, self._state.table
        if gathering is None or gathering.founded != message.founded or table is None:
            return
        if message.epoch == table.epoch and source in table:
            gathering.weights[source] = message.weight
            gathering.holders[source] = frozenset(
                slot for first, last in message.slots for slot in range(first, last + 1)
            )

    def _tick_pledged(self, founded: Cluster, due_ms: int) -> None:
        now_ms, gathering = self._state.now_ms, self._gathering
        if gathering is not None and (
            now_ms >= gathering.due_ms or len(gathering.holders) > gathering.asked
        ):
            self._found(gathering)
        elif now_ms >= due_ms:
            self.renew("the cluster it was pledged to did not come about")

    def _found(self, gathering: Gathering) -> None:
        state = self._state
        table = state.table
        assert table is not None
        members = {
            member: gathering.weights[member]
            for member in table.members
            if member in gathering.weights
        }
        slots = self._inherited(table, members, gathering.holders)
        new = found(gathering.founded, table.epoch + 1, members, slots)
        for member in members:
            if member != state.me:
                state.send(member, TableInForce(new))
        self.adopt(new)

    def _inherited(
        self, table: Table, weights: dict[Member, int], holders: dict[Member, frozenset[int]]
    ) -> list[Assignment]:
        """Return who has each slot in a cluster of those who have pledged themselves."""
        kept = [
            next((each for each in now.holders if slot in holders.get(each, ())), None)
            for slot, now in enumerate(table.slots)
        ]
        is_fresh = self._state.settings.isolation is Isolation.FRESH
        if is_fresh or (None in kept and not self._all_missing_gone()):
            kept = [None] * len(kept)
        targets = self._state.settings.targets(tuple(weights.items()), 1)
        return [
            Assignment(targets[slot][0], (), now.lineage + 1)
            if holder is None
            else Assignment(holder, (), now.lineage)
            for slot, (now, holder) in enumerate(zip(table.slots, kept, strict=True))
        ]

    def _new_cluster(self) -> Cluster:
        state = self._state
        return Cluster(state.now_ms + state.wall_offset_ms, state.random.getrandbits(64))

    def _beacon(self) -> Beacon:
        table = self._state.table
        assert table is not None
        return Beacon(len(table.members), self._state.has_lease)


def _runs(slots: list[int]) -> list[tuple[int, int]]:
    """Join ascending numbers that follow each other: (first, last) of each run."""
    runs = []
    for _, run in groupby(enumerate(slots), key=lambda item: item[1] - item[0]):
        taken = [slot for _, slot in run]
        runs.append((taken[0], taken[-1]))
    return runs
