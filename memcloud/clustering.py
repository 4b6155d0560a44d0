"""The node's part in the cluster: what happens goes to the protocol, and what it asks for is done.

See `memcloud.protocol` for what is decided and why; here are its surroundings. All times are those
of the node's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from memcloud.cluster.member import Member as KnownMember
from memcloud.cluster.member import State
from memcloud.cluster.names import member_id
from memcloud.link.frames import Frame, LinkError
from memcloud.link.messages import Identity, decode_messages, encode_messages
from memcloud.protocol import coding
from memcloud.protocol.ballots import Record
from memcloud.protocol.core import Core
from memcloud.protocol.effects import (
    Effect,
    Left,
    Renewed,
    Reply,
    SaveRecord,
    Send,
    TableChanged,
)
from memcloud.protocol.messages import Origin, Replicate, Replicated
from memcloud.protocol.serving import DIRECT
from memcloud.protocol.settings import Isolation
from memcloud.protocol.settings import Settings as ProtocolSettings
from memcloud.protocol.table import Cluster, Member, Table
from memcloud.ring import SLOTS

from .effects import KeepRecord, Leave
from .events import Kind
from .routing import COPIED, HELD, HERE
from .slot_content import ContentError
from .slots import Slots
from .tags import Stamp
from .targets import ring_targets
from .watching import Watcher

if TYPE_CHECKING:
    from memcloud.cluster.mesh import Link

    from .node import Node

KEYS_PER_SLICE = 1000
CHUNK_BYTES = 512 * 1024  # of a message with a part of a copy
FRAME_BYTES = 256 * 1024  # of messages in one frame, or one that is larger


class Clustering:
    """The protocol of a node, and what follows from it for the rest of the node."""

    def __init__(self, node: Node, device: str, record: Record | None) -> None:
        """``record`` is what the device remembers of its earlier runs."""
        settings = node.settings
        self._node = node
        self.slots = Slots(node.store, node.aside, node.clock)
        self.core = Core(
            ProtocolSettings(
                device,
                settings.memory_bytes,
                SLOTS,
                ring_targets,
                replicas=settings.replicas,
                isolation=Isolation(settings.isolated),
                start_ms=settings.start_ms,
                chunk_bytes=CHUNK_BYTES,
            ),
            self.slots,
            node.random,
            record,
            node.clock.now_ms(),
            node.clock.unix_offset_ms(),
        )
        self.watcher = Watcher(node, self.core)
        self._unsent: dict[str, list[tuple[Send, bytes]]] = {}  # by device, in order
        self._is_single = False
        self._lease_until_ms = 0

    @property
    def me(self) -> Member:
        """This run of this device."""
        return self.core.me

    @property
    def is_whole(self) -> bool:
        """Whether this node alone is the cluster, and any command may run on any slot of it."""
        return self._is_single and self.has_lease

    @property
    def has_lease(self) -> bool:
        """Whether this node may serve now."""
        return self._node.clock.now_ms() < self._lease_until_ms

    @property
    def is_leaving(self) -> bool:
        """Whether this node gives its slots away to leave."""
        return self.core.leading.is_leaving

    @property
    def leaving(self) -> list[Member]:
        """The members that give their slots away to leave."""
        table = self.core.table
        if table is None:
            return []
        mine = [self.me] if self.is_leaving and self.me in table else []
        return [*mine, *self.core.state.detector.leaving(table)]

    def state_of(self, slot: int) -> str:
        """Return how a command on a slot that this node owns can run now.

        HERE, COPIED (its reply has to wait until it is on other members too), or HELD (not yet).
        """
        core, now_ms = self.core, self._node.clock.now_ms()
        if core.direct[slot] == DIRECT and now_ms < self._lease_until_ms:
            return HERE
        if not core.can_serve(now_ms, slot):
            return HELD
        if not self.slots.is_in(slot):
            self.slots.bring_in(slot)
            core.serving.refresh((slot,))
            if core.direct[slot] == DIRECT:
                return HERE
        return COPIED

    def state_of_all(self, *, is_write: bool) -> str:
        """Return the same for a command on all keys that this node has."""
        if self.is_whole:
            return HERE
        if not self.has_lease or self.slots.waiting:
            return HELD
        if not is_write:
            return HERE
        state = HERE
        for slot in self.led():
            copy = self.core.serving.held[slot]
            if copy.is_frozen:
                return HELD
            if copy.streams:
                state = COPIED
        return state

    def led(self) -> list[int]:
        """Return the slots of which this node is the primary."""
        table = self.core.table
        if table is None:
            return []
        me = self.me
        return [slot for slot, each in enumerate(table.slots) if each.primary == me]

    def short_of_copies(self) -> int:
        """Return how many slots that this node leads are on fewer members than they should be."""
        table = self.core.table
        if table is None:
            return 0
        wanted = min(self._node.settings.replicas, len(table.members))
        return sum(len(table.slots[slot].holders) < wanted for slot in self.led())

    def slots_to_move(self) -> int:
        """Return how many slots are to be copied or moved, as far as is known now."""
        if not self.core.state.is_member:
            return 0
        plan = self.core.leading.plan()
        return sum(len(batch.slots) for batch in plan.batches) + len(plan.drops)

    # What happens

    def tick(self) -> None:
        """Do what time demands."""
        self.core.on_tick(self._node.clock.now_ms())
        self.follow()
        self.watcher.look()

    def take_messages(self, link: Link, frame: Frame) -> None:
        """Take what another node has said.

        Raises:
            LinkError: some of it is malformed; what was before it has been taken.
        """
        assert link.identity is not None
        founded_ms, number, messages = decode_messages(frame)
        source = Member(link.identity.device, link.identity.incarnation)
        cluster = Cluster(founded_ms, number)
        now_ms = self._node.clock.now_ms()
        try:
            for data in messages:
                message = coding.decode(data)
                self.core.on_message(now_ms, source, cluster, message)
                # The messages of writes come many at a time, and change nothing but data.
                if not isinstance(message, Replicate | Replicated):
                    self.follow()
        except (coding.CodingError, ContentError) as error:
            raise LinkError(str(error)) from error
        finally:
            self.follow()

    def met(self, identity: Identity) -> None:
        """A node can be reached."""
        self.core.peer_found(identity.device)

    def gone(self, identity: Identity) -> None:
        """The process of a node has ended."""
        member = Member(identity.device, identity.incarnation)
        if self.core.table is not None and member in self.core.table:
            self._node.events.note(Kind.GONE, f"the process of {identity.name} has ended")
        self.core.process_gone(self._node.clock.now_ms(), member)
        self.follow()

    def leave(self) -> None:
        """Give all slots away; `Leave` comes when that is done."""
        self.core.leave(self._node.clock.now_ms())
        self.follow()

    def answer(
        self,
        slot: int,
        effects: bytes,
        release: Callable[[bool], None],
        origin: Origin | None = None,
        reply: bytes = b"",
    ) -> bool:
        """See `Core.answer`."""
        now_ms = self._node.clock.now_ms()
        return self.core.answer(now_ms, slot, effects, release, origin, reply)

    def has_copies(self, slot: int) -> bool:
        """Return whether other members than its owner hold a slot, too."""
        table = self.core.table
        return table is not None and bool(table.slots[slot].backups)

    def stamp_of(self, slot: int) -> Stamp:
        """Return what the owner's memory of a write that is sent now goes by."""
        table = self.core.table
        return Stamp(self.me, 0 if table is None else table.slots[slot].lineage)

    def stamps(self) -> list[Stamp | None]:
        """Return that by slot, None for those without copies.

        What their owner remembers is mostly lost with the owner.
        """
        table, me = self.core.table, self.me
        if table is None:
            return [None] * SLOTS
        made: dict[int, Stamp] = {}
        return [
            (made.get(lineage) or made.setdefault(lineage, Stamp(me, lineage))) if backups else None
            for _, backups, lineage, _ in table.slots
        ]

    @property
    def has_work(self) -> bool:
        """Whether slots wait to be brought in."""
        return bool(self.slots.waiting)

    def run_slice(self) -> None:
        """Bring some of them in."""
        if self.slots.waiting:
            self.core.serving.refresh(self.slots.bring_some(KEYS_PER_SLICE))
            self._note_lease()

    def follow(self) -> None:
        """Do what the protocol asks for."""
        effects = self.core.take_effects()
        while effects:
            for effect in effects:
                self._do(effect)
            effects = self.core.take_effects()
        self.watcher.look_at_moves()
        self._note_lease()

    def _do(self, effect: Effect) -> None:
        match effect:
            case Send():
                # Its pieces are many and small, but for large values.
                data = b"".join(coding.encode(effect.message))
                self._unsent.setdefault(effect.device, []).append((effect, data))
            case SaveRecord(record):
                self._node.emit(KeepRecord(record))
            case TableChanged(old, new):
                self._table_changed(old, new)
            case Renewed(_, why):
                self._renewed(why)
            case Left():
                self._node.emit(Leave())
            case Reply():
                raise AssertionError("this node asks the protocol to run nothing")

    def flush(self) -> None:
        """Send what was said in this event: all that is for one member together."""
        if self.core.state.effects:
            self.follow()
        unsent, self._unsent = self._unsent, {}
        mesh = self._node.mesh
        for device, said in unsent.items():
            for (incarnation, cluster), group in groupby(said, _circumstances):
                if incarnation is None:
                    link = mesh.link_to_device(device)
                else:
                    link = mesh.link_to(member_id(device, incarnation))
                if link is None:  # it is as if they were lost, which is provided for
                    continue
                for messages in _by_frame([data for _, data in group]):
                    mesh.send(link, *encode_messages(*cluster, messages))

    def _table_changed(self, old: Table | None, new: Table) -> None:
        node = self._node
        for session in node.sessions.values():
            session.replies.drain()
        before = {member.id for member in node.membership.members}
        names = {member: member_id(*member) for member in new.members}
        owners = [names[each.primary] for each in new.slots]
        left = [member_id(*member) for member in self.watcher.have_left(old, new)]
        node.membership.adopt(new.epoch, new.members, owners, left)
        if old is not None and old.cluster != new.cluster:
            self.slots.mark_inherited(range(SLOTS))
        if node.engine is not None:
            me = node.membership.me.id
            node.engine.own(node.membership.owners, me, self.core.direct, self.stamps())
        if node.membership.is_alone:
            node.store.removed = None
        elif node.store.removed is None:
            node.store.removed = []
        node.restarts.wake()
        for name in before.difference(names.values()):
            node.forwarding.member_lost(name)
        self.watcher.table_changed(old, new)

    def _renewed(self, why: str) -> None:
        node = self._node
        self.watcher.renewed(why)
        for store in (node.store, node.aside):
            for keyspace in (*store.databases, store.blocks, store.held):
                keyspace.flush()
        members = [member.id for member in node.membership.members]
        node.mesh.start_over()
        me = KnownMember(node.identity(), node.settings.peer_bind, State.SELF)
        node.membership.forget_all(me)
        if node.engine is not None:
            node.engine.own(node.membership.owners, me.id, self.core.direct, [None] * SLOTS)
        for member in members:
            node.forwarding.member_lost(member)

    def _note_lease(self) -> None:
        node, until_ms = self._node, self.core.lease_until_ms
        direct = self.core.direct
        is_single = node.membership.is_alone and direct.count(DIRECT) == SLOTS
        if until_ms == self._lease_until_ms and is_single == self._is_single:
            return
        had_lease = self.has_lease
        self._lease_until_ms, self._is_single = until_ms, is_single
        if self.has_lease and not had_lease:
            node.restarts.wake()
        engine = node.engine
        if engine is not None:
            engine.lease_until_ms = self._lease_until_ms
            engine.is_alone = self._is_single


def _circumstances(said: tuple[Send, bytes]) -> tuple[int | None, Cluster]:
    """Return for which run of the device something is, and in which cluster it was said."""
    effect, _ = said
    return effect.incarnation, effect.cluster


def _by_frame(messages: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield the messages in order, as many at a time as go into a frame."""
    first = size_bytes = 0
    for place, message in enumerate(messages):
        if place > first and size_bytes + len(message) > FRAME_BYTES:
            yield messages[first:place]
            first, size_bytes = place, 0
        size_bytes += len(message)
    yield messages[first:]
