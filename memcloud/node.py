"""One node, without any I/O: events go in, effects come out.

The runner in `memcloud.net` feeds it from sockets and timers, a simulation from a seed; neither is
known here. After each event `take_effects` says what is to be done. Calls to other members are
collected over all events of a turn and leave at `flush`.
"""

from __future__ import annotations

import logging

from memcloud.cluster.calls import Call
from memcloud.cluster.forwarding import Forwarding
from memcloud.cluster.member import Member, State
from memcloud.cluster.membership import Membership
from memcloud.cluster.mesh import Mesh
from memcloud.commands import TABLE
from memcloud.commands.context import Context
from memcloud.commands.table import Args, Command
from memcloud.link.batch import database_of, is_no_touch, protocol_of
from memcloud.link.messages import DEPARTED_MAX, PROTOCOL_VERSION, Identity
from memcloud.resp import encode
from memcloud.ring import SlotTable
from memcloud.store import Store

from .chance import Random
from .clients import Clients
from .clock import Clock
from .dispatch import Dispatcher
from .effects import Effect
from .errors import CommandError
from .fast import Calls, new_engine
from .host import Host
from .neighbour import Neighbour
from .parameters import Parameters
from .restarts import Restarts
from .routing import Router
from .session import Session
from .settings import Settings
from .stats import Statistics

logger = logging.getLogger(__name__)

TICK_MS = 100
# A tick that comes this late tells that the node itself was stopped or starved.
LATE_TICK_MS = 1000
EXPIRE_KEYS_PER_TICK = 2000


class Node:
    """Joins the store, the commands, the sessions and the cluster."""

    def __init__(
        self, settings: Settings, clock: Clock, random: Random, host: Host, device_id: str = ""
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.random = random
        self.host = host
        self.device_id = device_id
        self.started_ms = clock.now_ms()
        self.run_id = _hex_id(random)
        self.commands = TABLE
        self._stats = Statistics()
        self.store = Store(
            clock,
            random,
            limit_bytes=settings.memory_bytes,
            policy=settings.policy,
            databases=settings.databases,
        )
        calls = Calls()
        self.parameters = Parameters(settings, self.store, host.client_places)
        limits = self.parameters.parser_limits(authenticated=True)
        self.engine = new_engine(self.commands, self.store, clock, calls, limits)
        self.dispatcher = Dispatcher(self.commands, self.store, self._stats, clock)
        self.clients = Clients(self)
        self._effects: list[Effect] = []
        self.neighbour = Neighbour(self.store, host, clock, self.emit)
        self.restarts = Restarts(self.sessions)
        self.is_serving = False  # clients; its driver says when
        self._last_tick_ms = self.started_ms
        me = Member(self.identity(_hex_id(random)), settings.peer_bind, State.SELF)
        self.membership = Membership(me, clock, self._table_changed)
        self.router = Router(self.membership)
        self.mesh = Mesh(
            self.membership,
            clock,
            random,
            emit=self.emit,
            identity=self.identity,
            load=lambda: (self.store.used_bytes, self.key_count()),
            on_frame=lambda link, frame: self.forwarding.handle(link, frame),
            on_lost=lambda member: self.forwarding.link_lost(member),
            on_excluded=self._start_over,
        )
        self.forwarding = Forwarding(
            self.membership,
            self.mesh,
            clock,
            self._stats,
            self._serve_peer,
            calls,
            self.engine,
            self.clients.lost,
        )
        self._server_session = Session(0, self.started_ms, is_peer=True)
        self._server_context = Context(self, self._server_session)

    @property
    def stats(self) -> Statistics:
        """What was counted since the start or the last reset."""
        if self.engine is not None:
            self.engine.drain(self._stats)
        return self._stats

    @property
    def frames_sent(self) -> int:
        """How many frames have gone to other members."""
        native = self.engine.batches_sent if self.engine is not None else 0
        return self.mesh.frames_sent + native

    @property
    def frames_received(self) -> int:
        """How many frames have come from other members."""
        native = self.engine.batches_received if self.engine is not None else 0
        return self.mesh.frames_received + native

    @property
    def string_bytes_max(self) -> int:
        """The largest string that a key may hold."""
        return self.parameters.proto_max_bulk_len

    @property
    def sessions(self) -> dict[int, Session]:
        """The connected clients by number."""
        return self.clients.sessions

    def identity(self, member_id: str | None = None) -> Identity:
        """Return who this node says it is."""
        settings = self.settings
        view_size, view_first = 1, member_id or ""
        departed: tuple[str, ...] = ()
        if member_id is None:
            member_id = self.membership.me.id
            view_size, view_first = len(self.membership.members), self.membership.view_first
            departed = tuple(member.id for member in self.membership.departed[-DEPARTED_MAX:])
        return Identity(
            version=PROTOCOL_VERSION,
            cluster=settings.cluster,
            id=member_id,
            name=settings.name,
            bind=settings.bind,
            port=settings.port,
            peer_bind=settings.peer_bind,
            peer_port=settings.peer_port,
            memory_bytes=settings.memory_bytes,
            uptime_ms=self.clock.now_ms() - self.started_ms,
            is_serving=self.is_serving,
            view_size=view_size,
            view_first=view_first,
            departed=departed,
        )

    def key_count(self) -> int:
        """Return how many keys this node holds, over all databases."""
        return sum(len(database) for database in self.store.databases)

    def emit(self, effect: Effect) -> None:
        """Ask the surroundings to do something."""
        self._effects.append(effect)

    def take_effects(self) -> list[Effect]:
        """Return what is to be done because of the events so far, and forget it."""
        self.clients.send_answers(can_write=not self._effects)
        effects, self._effects = self._effects, []
        return effects

    def flush(self) -> None:
        """Run more calls of other members, and send them those that have gathered in this turn."""
        self.forwarding.run_turn()
        self.restarts.run(self.clock.now_ms())
        self.forwarding.flush()

    def close_session(self, session: Session) -> None:
        """See `Clients.close`."""
        self.clients.close(session)

    def pause_clients(self, until_ms: int, writes_only: bool) -> None:
        """See `Clients.pause_all`."""
        self.clients.pause_all(until_ms, writes_only)

    def unpause_clients(self) -> None:
        """See `Clients.unpause_all`."""
        self.clients.unpause_all()

    def context_of(self, session: Session) -> Context:
        """Return the context in which a session's commands run."""
        return self.clients.context_of(session) or self._server_context

    def call(self, call: Call) -> None:
        """Queue a command for another member."""
        self.forwarding.call(call)

    def serve(self, args: Args, database: int, protocol: int, *, no_touch: bool = False) -> bytes:
        """Run a command on this node's own data, in that database and protocol."""
        try:
            command = self.dispatcher.find(args, is_authenticated=True, is_peer=True)
        except CommandError as error:
            return encode(self.dispatcher.refuse(error), protocol)
        return self._run_for_peer(command, args, database, protocol, no_touch)

    def tick(self) -> None:
        """Do what time demands; to be called every `TICK_MS`."""
        now_ms = self.clock.now_ms()
        late_ms = now_ms - self._last_tick_ms - TICK_MS
        self._last_tick_ms = now_ms
        if late_ms > LATE_TICK_MS:
            logger.warning("this node did not run for %d ms", late_ms)
            self.membership.forgive(late_ms)
        self.stats.sample(now_ms)
        self.store.expire_some(EXPIRE_KEYS_PER_TICK)
        self.neighbour.tick()
        self.clients.tick(now_ms)
        self.mesh.tick()
        self.forwarding.tick()
        self.restarts.run(now_ms)

    def _serve_peer(self, args: list[bytes], word: int) -> bytes | None:
        database, protocol = database_of(word), protocol_of(word)
        try:
            command = self.dispatcher.find(args, is_authenticated=True, is_peer=True)
            if not self.router.is_mine(command, args):
                return None
            if database >= len(self.store.databases):
                raise CommandError("ERR DB index is out of range")
        except CommandError as error:
            return encode(self.dispatcher.refuse(error), protocol)
        return self._run_for_peer(command, args, database, protocol, is_no_touch(word))

    def _run_for_peer(
        self, command: Command, args: Args, database: int, protocol: int, no_touch: bool
    ) -> bytes:
        session = self._server_session
        session.database, session.protocol, session.no_touch = database, protocol, no_touch
        session.traffic.last_command = command.name
        self._server_context.now_ms = self.clock.now_ms()
        return self.dispatcher.run_encoded(self._server_context, command, args)

    def _table_changed(self, old: SlotTable, new: SlotTable) -> None:
        for session in self.sessions.values():
            session.replies.drain()
        me = self.membership.me.id
        if self.engine is not None:
            self.engine.own(new.owners, me)
            self.engine.is_alone = self.membership.is_alone
        lost = [
            slot
            for slot, (before, after) in enumerate(zip(old.owners, new.owners, strict=True))
            if before == me and after != me
        ]
        dropped = self.store.drop_slots(lost) if lost else 0
        if dropped:
            logger.warning(
                "%d keys dropped: their %d slots belong to other members now", dropped, len(lost)
            )
        present = set(new.members)
        for member in old.members:
            if member not in present:
                self.forwarding.member_lost(member)

    def _start_over(self, why: str) -> None:
        logger.warning("%s: starting over, empty", why)
        for keyspace in (*self.store.databases, self.store.blocks, self.store.held):
            keyspace.flush()
        members = [member.id for member in self.membership.members]
        self.mesh.start_over()
        identity = self.identity(_hex_id(self.random))
        self.membership.forget_all(Member(identity, self.settings.peer_bind, State.SELF))
        for member in members:
            self.forwarding.member_lost(member)


def _hex_id(random: Random) -> str:
    return f"{random.getrandbits(160):040x}"
