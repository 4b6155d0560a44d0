"""What happens when two clusters meet: the younger one dissolves into the older one.

It decides so by a last table, under which nobody serves. Each primary offers the keys that were
written since the founding to a member of the older cluster, which sets those that are absent there.
Keys from before are not offered: the older cluster may have changed or deleted them since. Then
each member starts over, empty, and joins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .deciding import Deciding
from .effects import Outcome
from .founding import Founding
from .gateway import Gateway
from .leading import Leading
from .messages import Bequest, BequestTaken
from .serving import Serving
from .settings import RESEND_MS, SUSPECT_MS
from .state import State
from .table import NO_CLUSTER, Cluster, Member

DISSOLVE_MS = 10_000
RESEND_BEQUEST_MS = 3 * RESEND_MS
TAKEN_MAX = 10_000


@dataclass(slots=True)
class Taking:
    """A bequest whose keys are being set."""

    giver: Member
    number: int
    open: set[int] = field(default_factory=set)  # requests
    conflicts: int = 0


class Merging:
    """Dissolves this node's cluster, or takes what a younger one has."""

    def __init__(
        self,
        state: State,
        serving: Serving,
        gateway: Gateway,
        deciding: Deciding,
        leading: Leading,
        founding: Founding,
    ) -> None:
        """``renew`` is set by who joins the parts."""
        self._state = state
        self._serving = serving
        self._gateway = gateway
        self._deciding = deciding
        self._leading = leading
        self._founding = founding
        self._estate: dict[int, Bequest] | None = None  # what is not taken yet
        self._until_ms = 0
        self._sent_ms = 0
        self._taking: dict[int, Taking] = {}  # by request
        self._taken: dict[tuple[Member, int], Taking] = {}
        self.conflicts = 0
        self.renew: Callable[[str], None] = lambda why: None

    def tick(self) -> None:
        """Dissolve if an older cluster is there, and hand on what is to be."""
        state = self._state
        table = state.table
        if table is None or not state.is_member:
            self._estate = None
            return
        if self._founding.is_beyond_hope():
            self.renew("it found no quorum, but another cluster")
            return
        if table.heir == NO_CLUSTER:
            heir = self._older()
            if heir != NO_CLUSTER and state.has_lease and self._leading.leader() == state.me:
                self._deciding.propose(lambda ages: table.change({}, heir=heir))
            return
        if self._estate is None:
            self._open_estate(table.cluster)
        self._hand_on(table.heir)

    def on_bequest(self, source: Member, message: Bequest) -> None:
        """Set the keys of a bequest that are absent here; once."""
        state = self._state
        if not state.has_lease:
            return
        key = (source, message.number)
        taking = self._taken.get(key)
        if taking is None:
            if len(self._taken) >= TAKEN_MAX:
                del self._taken[next(iter(self._taken))]
            taking = self._taken[key] = Taking(source, message.number)
            for command in state.store.inherit(message.slot, message.data):
                request = self._gateway.request(message.slot, command, is_write=True)
                taking.open.add(request)
                self._taking[request] = taking
        self._answer(taking)

    def on_taken(self, message: BequestTaken) -> None:
        """A bequest is settled."""
        if self._estate is not None and self._estate.pop(message.number, None) is not None:
            self.conflicts += message.conflicts

    def maybe_settle(self, request: int, outcome: Outcome, reply: bytes) -> bool:
        """Take the reply to a request of this part; False if it is somebody else's."""
        taking = self._taking.pop(request, None)
        if taking is None:
            return False
        taking.open.discard(request)
        taking.conflicts += outcome is Outcome.DONE and reply == b"0"
        self._answer(taking)
        return True

    def _answer(self, taking: Taking) -> None:
        if not taking.open:
            self._state.send(taking.giver, BequestTaken(taking.number, taking.conflicts))

    def _older(self) -> Cluster:
        """Return an older cluster that serves, if one was heard of lately."""
        state = self._state
        table = state.table
        assert table is not None
        mine = (table.cluster.founded_ms, -len(table.members), table.cluster.number)
        for cluster, seen in self._founding.sightings.items():
            if state.now_ms - seen.heard_ms < SUSPECT_MS and seen.is_serving:
                its = (cluster.founded_ms, -seen.member_count, cluster.number)
                if cluster != table.cluster and its < mine:
                    return cluster
        return NO_CLUSTER

    def _open_estate(self, cluster: Cluster) -> None:
        state = self._state
        table = state.table
        assert table is not None
        since_ms = cluster.founded_ms - state.wall_offset_ms
        self._until_ms = state.now_ms + DISSOLVE_MS
        self._sent_ms = 0
        pieces = [
            (slot, data)
            for slot in self._serving.held
            if table.slots[slot].primary == state.me
            for data in state.store.bequest(slot, since_ms, state.now_ms)
        ]
        self._estate = {
            number: Bequest(number, slot, data) for number, (slot, data) in enumerate(pieces)
        }

    def _hand_on(self, heir: Cluster) -> None:
        state, estate = self._state, self._estate
        assert estate is not None
        seen = self._founding.sightings.get(heir)
        if not estate or state.now_ms >= self._until_ms:
            self._estate = None
            self.renew("its cluster dissolved into an older one")
        elif seen is not None and state.now_ms - self._sent_ms >= RESEND_BEQUEST_MS:
            self._sent_ms = state.now_ms
            for bequest in list(estate.values())[:64]:
                state.send_device(seen.device, bequest)
