"""One node, without any I/O: events go in, effects come out.

The runner in `memcloud.net` feeds it from sockets and timers, a simulation from a seed; neither is
known here. After each event `take_effects` says what is to be done. Calls to other members are
collected over all events of a turn and leave at `flush`.
"""

from __future__ import annotations

import logging

from memcloud.cluster.calls import Call, Sink
from memcloud.cluster.forwarding import Forwarding
from memcloud.cluster.member import Member, State
from memcloud.cluster.membership import Membership
from memcloud.cluster.mesh import Link, Mesh
from memcloud.cluster.names import member_id
from memcloud.commands import TABLE
from memcloud.commands.context import Context
from memcloud.commands.table import Args, Command
from memcloud.link.batch import database_of, is_no_touch, protocol_of
from memcloud.link.frames import Frame, Kind
from memcloud.link.messages import PROTOCOL_VERSION, Identity
from memcloud.protocol.ballots import Record
from memcloud.protocol.messages import Origin
from memcloud.resp import encode
from memcloud.ring import SLOTS
from memcloud.store import Policy, Store

from .chance import Random
from .clients import Clients
from .clock import Clock
from .clustering import Clustering
from .dispatch import Dispatcher
from .effects import Effect
from .errors import CommandError
from .events import EventLog
from .fast import Calls, new_engine
from .host import Host
from .neighbour import Neighbour
from .parameters import Parameters
from .replication import Replication
from .restarts import Restarts
from .routing import COPIED, HERE, Router
from .session import Session
from .settings import Settings
from .stats import Statistics
from .tags import Tags

logger = logging.getLogger(__name__)

TICK_MS = 50
SLOW_TICK_MS = 100
# A tick that comes this late tells that the node itself was stopped or starved.
LATE_TICK_MS = 1000
EXPIRE_KEYS_PER_TICK = 2000  # of the slow ones


class Node:
    """Joins the store, the commands, the sessions and the cluster."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        random: Random,
        host: Host,
        device_id: str = "",
        record: Record | None = None,
    ) -> None:
        """``device_id`` and ``record``: which device it is, a new one by default, and its past."""
        self.settings = settings
        self.clock = clock
        self.random = random
        self.host = host
        self.device_id = device_id or _hex_id(random)
        self.started_ms = clock.now_ms()
        self.run_id = _hex_id(random)
        self.commands = TABLE
        self.events = EventLog(clock)
        self._stats = Statistics()
        self.store = Store(
            clock,
            random,
            limit_bytes=settings.memory_bytes,
            policy=settings.policy,
            databases=settings.databases,
        )
        # What other members serve: no client sees it, and it is never evicted.
        self.aside = Store(
            clock,
            random,
            limit_bytes=0,
            policy=Policy.NOEVICTION,
            databases=settings.databases,
        )
        self.tags = Tags()
        calls = Calls()
        self.parameters = Parameters(settings, self.store, host.client_places)
        limits = self.parameters.parser_limits(authenticated=True)
        self.engine = new_engine(self.commands, self.store, clock, calls, limits, self.tags)
        self.dispatcher = Dispatcher(self.commands, self.store, self._stats, clock)
        self.clients = Clients(self)
        self._effects: list[Effect] = []
        self.neighbour = Neighbour(self.store, self.aside, host, clock, self.emit)
        self.restarts = Restarts(self.sessions)
        self.is_serving = False  # clients; its driver says when
        self._last_tick_ms = self._last_slow_tick_ms = self.started_ms
        self.clustering = Clustering(self, self.device_id, record)
        me = Member(self.identity(), settings.peer_bind, State.SELF)
        self.membership = Membership(me, clock)
        self.router = Router(self.membership, self.clustering)
        self.replication = Replication(self)
        self.mesh = Mesh(
            self.membership,
            clock,
            random,
            emit=self.emit,
            identity=self.identity,
            load=lambda: (self.used_bytes, self.key_count()),
            on_frame=self._handle,
            on_lost=lambda member: self.forwarding.link_lost(member),
            on_met=self.clustering.met,
            on_gone=self.clustering.gone,
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
        if self.engine is not None:
            self.engine.own(
                self.membership.owners, me.id, self.clustering.core.direct, [None] * SLOTS
            )
        self.clustering.tick()

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

    def identity(self) -> Identity:
        """Return who this node says it is."""
        settings = self.settings
        device, incarnation = self.clustering.me
        return Identity(
            version=PROTOCOL_VERSION,
            cluster=settings.cluster,
            device=device,
            incarnation=incarnation,
            id=member_id(device, incarnation),
            name=settings.name,
            bind=settings.bind,
            port=settings.port,
            peer_bind=settings.peer_bind,
            peer_port=settings.peer_port,
            memory_bytes=settings.memory_bytes,
            uptime_ms=self.clock.now_ms() - self.started_ms,
            is_serving=self.is_serving,
        )

    @property
    def used_bytes(self) -> int:
        """What all that this node holds is accounted for, copies of others' keys included."""
        return self.store.used_bytes + self.aside.used_bytes

    def key_count(self) -> int:
        """Return how many keys clients find on this node, over all databases."""
        return sum(len(database) for database in self.store.databases)

    def emit(self, effect: Effect) -> None:
        """Ask the surroundings to do something."""
        self._effects.append(effect)

    def take_effects(self) -> list[Effect]:
        """Return what is to be done because of the events so far, and forget it."""
        self.replication.tell_removed()
        self.clients.send_answers(can_write=not self._effects)
        self.clustering.flush()
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
        self.clustering.tick()
        if now_ms - self._last_slow_tick_ms >= SLOW_TICK_MS:
            self._last_slow_tick_ms = now_ms
            self._tick_slowly(now_ms)
        self.forwarding.tick()
        self.restarts.run(now_ms)

    def _tick_slowly(self, now_ms: int) -> None:
        self.stats.sample(now_ms)
        self.store.expire_some(EXPIRE_KEYS_PER_TICK)
        self.neighbour.tick()
        self.clients.tick(now_ms)
        self.membership.tick()
        self.mesh.tick()

    def _handle(self, link: Link, frame: Frame) -> None:
        if frame.kind is Kind.MESSAGE:
            self.clustering.take_messages(link, frame)
        else:
            self.forwarding.handle(link, frame)

    def _serve_peer(self, args: list[bytes], word: int, origin: Origin | None, sink: Sink) -> None:
        database, protocol = database_of(word), protocol_of(word)

        def serve() -> bytes:
            return self._run_for_peer(command, args, database, protocol, is_no_touch(word))

        try:
            command = self.dispatcher.find(args, is_authenticated=True, is_peer=True)
            if database >= len(self.store.databases):
                raise CommandError("ERR DB index is out of range")
        except CommandError as error:
            sink.answered(encode(self.dispatcher.refuse(error), protocol))
            return
        state = self.router.state_here(command, args)
        if state == COPIED or (state == HERE and origin is not None):
            self.replication.run(command, args, database, serve, sink, origin)
        elif state == HERE:
            sink.answered(serve())
        else:
            sink.lost(was_run=False)

    def _run_for_peer(
        self, command: Command, args: Args, database: int, protocol: int, no_touch: bool
    ) -> bytes:
        session = self._server_session
        session.database, session.protocol, session.no_touch = database, protocol, no_touch
        session.traffic.last_command = command.name
        self._server_context.now_ms = self.clock.now_ms()
        return self.dispatcher.run_encoded(self._server_context, command, args)


def _hex_id(random: Random) -> str:
    return f"{random.getrandbits(160):040x}"
