"""The protocol of one node, without I/O: messages, ticks and requests go in, effects come out.

This file joins the parts, and has the rules about epochs and clusters that all of them rely on:

- A message about a table of another epoch is not acted on. Whoever is behind is sent the newer
  table, or asks for it. So each part sees messages of its own epoch only, or says why not.
- A message of another cluster is not acted on, but for those by which clusters find each other.
- A message of an earlier run of a device, late on its way, is not acted on.
- Who finds itself outside a newer table has been given up. It drops all it held and goes on as
  another run of its device (`Renewed`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memcloud.chance import Random

from .ballots import Acceptor, Record
from .deciding import Deciding
from .detector import Detector
from .effects import Effect, Left, Renewed, Reply, SaveRecord, TableChanged
from .founding import Founding
from .gateway import Gateway
from .leading import Leading
from .learning import Learning
from .leases import Leases
from .merging import Merging
from .messages import (
    Accept,
    Accepted,
    Beacon,
    Bequest,
    BequestTaken,
    CopyAck,
    CopyChunk,
    CopyDropped,
    CopyOffered,
    CopyRefused,
    Decided,
    Forward,
    FoundingAsked,
    FoundingPledged,
    Heartbeat,
    HeartbeatAck,
    Join,
    Message,
    NotServed,
    Order,
    Origin,
    Outbid,
    Prepare,
    Promise,
    Replicate,
    Replicated,
    Result,
    TableInForce,
    TableNeeded,
)
from .moves import Moves, Proposed
from .serving import Serving
from .settings import HEARTBEAT_MS, Settings
from .state import SlotStore, State
from .table import NO_CLUSTER, Change, Cluster, Member, Table

LATE_TICK_MS = 500


class Core:
    """One node's part in the cluster."""

    def __init__(
        self,
        settings: Settings,
        store: SlotStore,
        random: Random,
        record: Record | None,
        now_ms: int,
        wall_offset_ms: int,
    ) -> None:
        """``record`` is what the device has on disk, ``wall_offset_ms`` what unix time is ahead."""
        last = record.incarnation if record is not None else 0
        record = record or Record(0)
        me = Member(settings.device, max(last + 1, now_ms + wall_offset_ms))
        self.state = State(
            settings,
            random,
            store,
            me,
            Leases(now_ms),
            Detector(settings.device),
            now_ms,
            wall_offset_ms,
            record.table,
        )
        acceptor = Acceptor(
            Record(me.incarnation, record.table, record.has_vote, record.promised, record.accepted)
        )
        acceptor.promised_ms = now_ms
        self.state.effects.append(SaveRecord(acceptor.record))
        self.serving = Serving(self.state)
        self.learning = Learning(self.state)
        self.moves = Moves(self.state, self.serving)
        self.gateway = Gateway(self.state)
        self.deciding = Deciding(self.state, acceptor)
        self.leading = Leading(self.state, self.deciding)
        self.founding = Founding(self.state, self.serving, acceptor)
        self.merging = Merging(
            self.state, self.serving, self.gateway, self.deciding, self.leading, self.founding
        )
        self.moves.propose = self._propose_move
        self.deciding.decided = self._decided
        self.founding.adopt = self._adopt
        self.founding.renew = self.merging.renew = self._renew
        self._last_change: Change | None = None
        # Of epochs to come. Acknowledged then, or the first to adopt a table had no lease for long.
        self._early: dict[str, tuple[Member, Heartbeat]] = {}
        self._heartbeat_ms = now_ms
        self._tick_ms = now_ms
        # By kind of message: whether it is for members of one cluster only, and who takes it.
        self._handlers: dict[type[Any], tuple[bool, Callable[[Member, Any], None]]] = {
            Heartbeat: (True, self._on_heartbeat),
            HeartbeatAck: (True, self._on_heartbeat_ack),
            TableNeeded: (True, self._on_table_needed),
            TableInForce: (False, self._on_table),
            Decided: (True, self._on_decided),
            Prepare: (True, self.deciding.on_prepare),
            Promise: (True, self.deciding.on_promise),
            Accept: (True, self.deciding.on_accept),
            Accepted: (True, self.deciding.on_accepted),
            Outbid: (True, self.deciding.on_outbid),
            Order: (True, self._on_order),
            Forward: (True, self.serving.on_forward),
            Result: (True, self.gateway.on_result),
            NotServed: (True, self.gateway.on_not_served),
            Replicate: (True, self._on_replicate),
            Replicated: (True, self._on_replicated),
            CopyOffered: (True, self.learning.on_offer),
            CopyChunk: (True, self.learning.on_chunk),
            CopyDropped: (True, self.learning.on_dropped),
            CopyAck: (True, self.moves.on_ack),
            CopyRefused: (True, self.moves.on_refused),
            FoundingAsked: (True, self.founding.on_asked),
            FoundingPledged: (True, self.founding.on_pledged),
            Bequest: (False, self.merging.on_bequest),
            BequestTaken: (False, lambda source, message: self.merging.on_taken(message)),
        }

    # What is there

    @property
    def me(self) -> Member:
        """This run of this device."""
        return self.state.me

    @property
    def table(self) -> Table | None:
        """The table in force, as far as this node knows."""
        return self.state.table

    @property
    def direct(self) -> bytearray:
        """See `Serving.direct`; to be believed before `lease_until_ms` only."""
        return self.serving.direct

    @property
    def lease_until_ms(self) -> int:
        """Until when this node may serve."""
        if self.serving.is_closed or not self.state.is_member:
            return 0
        return self.state.leases.until_ms

    def can_serve(self, now_ms: int, slot: int) -> bool:
        """Return whether the node may run a command on the slot now; see `answer`."""
        self.state.now_ms = now_ms
        return self.serving.can_serve(slot)

    def take_effects(self) -> list[Effect]:
        """Return what is to be done because of the events so far, and forget it."""
        effects, self.state.effects = self.state.effects, []
        return effects

    # What happens

    def on_message(self, now_ms: int, source: Member, cluster: Cluster, message: Message) -> None:
        """Take a message; the link vouches for its sender."""
        state = self.state
        state.now_ms = now_ms
        if source.device == state.me.device:
            return
        is_foreign = cluster != state.cluster and state.table is not None and source in state.table
        if not state.detector.heard(source, now_ms, is_foreign=is_foreign):
            return
        self._dispatch(source, cluster, message)
        self._settle()

    def on_tick(self, now_ms: int) -> None:
        """Do what time demands; to be called every 50 to 100 ms."""
        state = self.state
        state.now_ms = now_ms
        late_ms = now_ms - self._tick_ms
        self._tick_ms = now_ms
        if late_ms > LATE_TICK_MS:
            state.detector.forgive(late_ms)
        if state.is_member and now_ms - self._heartbeat_ms >= HEARTBEAT_MS:
            self._send_heartbeats()
        self.gateway.tick()
        self.serving.tick()
        self.moves.tick()
        self.deciding.tick()
        self.founding.tick()
        self.merging.tick()
        if self.leading.is_for_nothing():
            self.leading.is_leaving = False
            self.state.effects.append(Left())
        if self.founding.pledged_to is None:
            self.leading.tick()
            if self.founding.may_resume():
                self.leading.resume()
        self._settle()

    def on_request(self, now_ms: int, slot: int, command: bytes, *, is_write: bool) -> int:
        """Take a command of a client; its `Reply` has the number that is returned."""
        self.state.now_ms = now_ms
        number = self.gateway.request(slot, command, is_write=is_write)
        self._settle()
        return number

    def replicate(self, now_ms: int, slot: int, effects: bytes) -> None:
        """Tell the backups what this node, the primary, has changed of itself."""
        self.state.now_ms = now_ms
        self.serving.change(slot, effects)
        self._settle()

    def answer(
        self,
        now_ms: int,
        slot: int,
        effects: bytes,
        release: Callable[[bool], None],
        origin: Origin | None = None,
        reply: bytes = b"",
    ) -> bool:
        """See `Serving.answer`; `can_serve` must have said yes just before the command ran."""
        self.state.now_ms = now_ms
        return self.serving.answer(slot, effects, release, origin, reply)

    def peer_found(self, device: str) -> None:
        """A trusted device can be reached."""
        self.founding.known[device] = None

    def process_gone(self, now_ms: int, member: Member) -> None:
        """The link to a member was reset, and its address refuses connections."""
        self.state.now_ms = now_ms
        self.state.detector.gone(member)

    def leave(self, now_ms: int) -> None:
        """Give all slots away, then `Left`."""
        self.state.now_ms = now_ms
        self.leading.is_leaving = True
        table = self.state.table
        if table is None or not self.state.is_member or len(table.members) == 1:
            self.state.effects.append(Left())
        else:
            self._send_heartbeats()
        self._settle()

    # Messages about the table

    def _dispatch(self, source: Member, cluster: Cluster, message: Message) -> None:
        state = self.state
        if isinstance(message, Join):
            self._on_join(source, cluster, message)
            return
        if isinstance(message, Beacon):
            self.founding.on_beacon(source, cluster, message)
            return
        is_internal, handle = self._handlers[type(message)]
        if not is_internal or (cluster == state.cluster and cluster != NO_CLUSTER):
            handle(source, message)

    def _settle(self) -> None:
        """Deliver what this node has sent to itself, and keep replies that are for itself."""
        state = self.state
        while state.to_self:
            self._dispatch(state.me, state.cluster, state.to_self.popleft())
        if any(isinstance(effect, Reply) for effect in state.effects):
            state.effects = [
                effect
                for effect in state.effects
                if not isinstance(effect, Reply)
                or not self.merging.maybe_settle(effect.request, effect.outcome, effect.reply)
            ]

    def _on_join(self, source: Member, cluster: Cluster, message: Join) -> None:
        state = self.state
        if cluster == state.cluster and message.epoch < state.epoch:
            assert state.table is not None  # it may need it to go on without anybody else
            state.send(source, TableInForce(state.table))
        if state.is_member and state.table is not None and source in state.table:
            state.send(source, TableInForce(state.table))
            return
        self.founding.on_join(source, message)
        if state.is_member and message.sought == state.cluster:
            self.leading.on_join(source, message)

    def _on_heartbeat(self, source: Member, message: Heartbeat) -> None:
        state = self.state
        self.founding.member_heard()
        state.detector.beaten(source, message, state.now_ms)
        if not self._is_current(source, message.epoch):
            if message.epoch > state.epoch:
                self._early[source.device] = source, message
            return
        if self._may_acknowledge(source):
            state.leases.give(source, state.now_ms)
            state.send(source, HeartbeatAck(message.epoch, message.sent_ms))

    def _may_acknowledge(self, source: Member) -> bool:
        """Return whether this device votes for a member's lease."""
        assert self.state.table is not None
        return (
            self.deciding.has_vote
            and not self.deciding.acceptor.has_promised
            and source in self.state.table
        )

    def _on_heartbeat_ack(self, source: Member, message: HeartbeatAck) -> None:
        state = self.state
        if message.epoch == state.epoch and state.is_member and not self.founding.pledged_to:
            assert state.table is not None
            had_lease = state.has_lease
            state.leases.acknowledged(source.device, message.sent_ms, state.table, state.me)
            if state.has_lease and not had_lease:
                self.leading.tick()

    def _is_current(self, source: Member, epoch: int) -> bool:
        """Return whether an epoch is this node's; if not, see to it that both have one."""
        state = self.state
        assert state.table is not None
        if epoch < state.epoch:
            change = self._last_change
            if change is not None and change.epoch == epoch + 1 == state.epoch:
                state.send(source, Decided(change))
            else:
                state.send(source, TableInForce(state.table))
        elif epoch > state.epoch:
            state.send(source, TableNeeded())
        return epoch == state.epoch

    def _on_table_needed(self, source: Member, message: TableNeeded) -> None:
        assert self.state.table is not None
        self.state.send(source, TableInForce(self.state.table))

    def _on_table(self, source: Member, message: TableInForce) -> None:
        state, table = self.state, message.table
        is_newer = table.cluster == state.cluster and table.epoch > state.epoch
        pledged_to = self.founding.pledged_to
        if pledged_to is not None:
            is_wanted = table.cluster == pledged_to and state.me in table
        elif state.is_member or table.cluster == state.cluster:
            is_wanted = is_newer
        else:
            is_wanted = state.me in table
        if is_wanted:
            self._adopt(table)

    def _on_decided(self, source: Member, message: Decided) -> None:
        change, state = message.change, self.state
        if self.founding.pledged_to is not None:
            return
        if change.epoch == state.epoch + 1:
            self._decided(change)
        elif change.epoch > state.epoch:
            state.send(source, TableNeeded())

    def _decided(self, change: Change) -> None:
        assert self.state.table is not None
        self._last_change = change
        self._adopt(self.state.table.apply(change))

    def _adopt(self, new: Table) -> None:
        """Let a table be in force."""
        state = self.state
        known = state.table
        old = known if state.is_member else None
        state.table = new
        self.deciding.acceptor.adopt(new, state.me)
        state.effects.append(SaveRecord(self.deciding.acceptor.record))
        self.deciding.new_epoch()
        state.leases.start_epoch(new, state.me)
        if not state.is_member:
            if old is not None:
                self._excluded()
            return
        is_same = old is not None and old.cluster == new.cluster
        if not is_same:
            self.founding.inside()
        state.detector.expect(new, state.now_ms)
        changed = (
            list(old.differing_slots(new))
            if is_same and old is not None
            else list(range(len(new.slots)))
        )
        ended = self.moves.end()
        self.serving.is_closed = new.heir != NO_CLUSTER
        self.serving.adopt(old, new, changed, self.learning.staged())
        self.learning.end()
        if old is None or old.members != new.members:
            self.serving.forget_gateways(new)
            if old is not None and is_same:
                self.leading.note_removed(old, new)
        if old is not None and not is_same:
            self.gateway.cluster_changed()
        self._send_heartbeats()
        early, self._early = self._early, {}
        if is_same:
            for source, message in early.values():
                if message.epoch >= new.epoch:
                    self._on_heartbeat(source, message)
        self.serving.resume(ended)
        self.gateway.table_changed(changed if is_same else None)
        state.effects.append(TableChanged(old, new))
        if state.has_lease:
            self.leading.tick()

    def _excluded(self) -> None:
        if self.leading.is_leaving:
            self.state.effects.append(Left())
            self._renew("it has left the cluster")
        else:
            self._renew("it was given up by the others")

    def _renew(self, why: str) -> None:
        """Drop everything, and go on as another run of this device."""
        state = self.state
        self.moves.end()
        self.learning.end()
        self.serving.drop_all()
        self.gateway.cluster_changed()
        state.leases.end()
        state.me = Member(state.me.device, state.me.incarnation + 1)
        acceptor = self.deciding.acceptor
        record = acceptor.record
        acceptor.record = Record(
            state.me.incarnation,
            record.table,
            record.has_vote,
            record.promised,
            record.accepted,
        )
        self.deciding.new_epoch()
        self.leading.is_leaving = False
        self.serving.is_closed = False
        state.effects += (SaveRecord(acceptor.record), Renewed(state.me, why))
        self.founding.outside()

    # Messages about slots

    def _on_order(self, source: Member, message: Order) -> None:
        if self.deciding.is_idle:
            self.moves.on_order(message)

    def _on_replicate(self, source: Member, message: Replicate) -> None:
        if not self._is_current(source, message.epoch):
            return
        if message.attempt:
            self.learning.on_replicate(source, message)
        else:
            self.serving.on_replicate(source, message)

    def _on_replicated(self, source: Member, message: Replicated) -> None:
        self.serving.on_replicated(source, message)
        self.moves.check()

    def _propose_move(self, proposed: Proposed) -> bool:
        return self.deciding.propose(lambda ages: self.leading.change(ages, proposed))

    def _send_heartbeats(self) -> None:
        state = self.state
        assert state.table is not None
        self._heartbeat_ms = state.now_ms
        beat = Heartbeat(
            state.epoch,
            state.now_ms,
            self.founding.is_fenced,
            self.leading.is_leaving,
            self.moves.attempt is not None,
            state.store.used_bytes,
            state.store.free_bytes,
            state.detector.unheard(state.table, state.now_ms),
        )
        for device in state.table.devices:
            if device != state.me.device:
                state.send_device(device, beat)
