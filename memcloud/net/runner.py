"""Drives one node from sockets, timers and signals."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from pathlib import Path
from random import SystemRandom
from types import ModuleType

from memcloud.clock import SystemClock
from memcloud.effects import (
    CloseClient,
    CloseLink,
    Dial,
    Effect,
    KeepRecord,
    Leave,
    ResumeReading,
    ReturnMemory,
    Stop,
    ToClient,
    ToLink,
)
from memcloud.errors import NoRoomError, StartError, StateError
from memcloud.events import Kind
from memcloud.host import Host
from memcloud.leaving import demand
from memcloud.node import TICK_MS, Node
from memcloud.protocol.ballots import Record as Past
from memcloud.protocol.coding import CodingError, decode_record, encode_record
from memcloud.seldom import SELDOM
from memcloud.settings import Settings

from . import logs
from .allocator import return_memory
from .clients import ClientSockets
from .device import Device, open_device
from .discovery import Discovery
from .host import SystemHost
from .notify import notify
from .peers import PeerSockets
from .record import Record

try:
    import uvloop as _uvloop
except ModuleNotFoundError:
    uvloop: ModuleType | None = None
else:
    uvloop = _uvloop

logger = logging.getLogger(__name__)

# mDNS shows the nodes that are already there within 0.13 s; a node that opened its client port
# before it knows them would take writes for slots that are theirs.
DISCOVERY_S = 0.4
SETTLE_TIMEOUT_S = 2.0
# A node that is in no cluster after that time serves all the same, and says TRYAGAIN.
JOIN_TIMEOUT_S = 15.0
# How long a node that stops goes on giving its keys to the others.
LEAVE_TIMEOUT_S = 60.0
GOODBYE_S = 0.1


class Runner:
    """One node with its sockets; `run` returns when it has stopped.

    Args:
        host: where the node gets the facts about its machine from; the true ones by default.
        device: which device the node is; a new one by default, that is forgotten.
    """

    def __init__(
        self, settings: Settings, host: Host | None = None, device: Device | None = None
    ) -> None:
        self._settings = settings
        self._clock = SystemClock()
        host = host or SystemHost("uvloop" if uvloop else "asyncio")
        self._record: Record | None = None
        if device is None:
            self.node = Node(settings, self._clock, SystemRandom(), host)
        else:
            self._record = device.record
            past = _remembered(device)
            self.node = Node(settings, self._clock, SystemRandom(), host, device.id, past)
        self._clients = ClientSockets(self.node, self.carry_out)
        self._peers = PeerSockets(self.node, self.carry_out)
        self._discovery = Discovery(settings, self.node.membership.me.id, self._found)
        self._is_turn_planned = False
        self._alarm: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._left = asyncio.Event()
        self._fault: str | None = None

    async def run(self) -> None:
        """Run until a signal comes.

        Raises:
            StartError: the node cannot run with these settings, or not in this cluster.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._unhandled)
        self._take_signals(loop)
        ticker = loop.create_task(self._tick())
        try:
            await self._peers.listen()
            await self._find_peers()
            await self._join()
            if not self._stopping.is_set():
                await self._clients.listen()
                self.node.is_serving = True
                self._tell_ready()
                await self._stopping.wait()
            notify("STOPPING=1")
            if self._fault is None:
                await self._leave()
        finally:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker
            await self._close()
        if self._fault is not None:
            raise StartError(self._fault)

    def carry_out(self) -> None:
        """Do what the node asks for, and plan what it leaves for the end of this turn."""
        for effect in self.node.take_effects():
            self._do(effect)
        self._peers.flush()
        if not self._is_turn_planned and (
            self.node.clients.has_work
            or self.node.forwarding.has_work
            or self.node.restarts.has_work(self._clock.now_ms())
            or self.node.neighbour.has_work
            or self.node.clustering.has_work
        ):
            self._is_turn_planned = True
            asyncio.get_running_loop().call_soon(self._turn)
        if self._alarm is None and (next_ms := self.node.restarts.next_ms) is not None:
            delay_ms = max(0, next_ms - self._clock.now_ms())
            self._alarm = asyncio.get_running_loop().call_later(delay_ms / 1000, self._ring)

    def _ring(self) -> None:
        """Let the commands start again whose time has come."""
        self._alarm = None
        self.carry_out()

    def _turn(self) -> None:
        """Give waiting clients and peers their turn, then send the calls that have gathered."""
        self._is_turn_planned = False
        self.node.clients.run_turn()
        self.node.neighbour.run_slice()
        self.node.clustering.run_slice()
        self.node.flush()
        self.carry_out()

    def _do(self, effect: Effect) -> None:
        match effect:
            case ToClient(number, data):
                self._clients.write(number, data)
            case ToLink(link, data):
                self._peers.write(link, data)
            case CloseClient(number):
                self._clients.close_one(number)
            case ResumeReading(number):
                self._clients.resume_reading(number)
            case CloseLink(link):
                self._peers.close_one(link)
            case Dial(host, port):
                self._peers.dial(host, port)
            case ReturnMemory():
                self.node.store.return_memory()
                self.node.aside.return_memory()
                return_memory()
            case KeepRecord(record):
                self._keep(record)
            case Leave():
                if not self._stopping.is_set():
                    logger.info("this node holds nothing for others any more, and stops")
                self._left.set()
                self._stopping.set()
            case Stop(reason):
                self._fault = reason
                self._stopping.set()

    def _keep(self, record: Past) -> None:
        """Write the record; a node that cannot must not go on, since others rely on it."""
        if self._record is None:
            return
        try:
            self._record.save(encode_record(record))
        except StateError as error:
            self._do(Stop(str(error)))
            raise

    async def _find_peers(self) -> None:
        """Look for members before the first client is served, but not for long."""
        settings = self._settings
        for host, port in settings.join:
            self.node.mesh.found(host, port, is_kept=True)
        self.carry_out()
        if settings.mdns:
            await self._discovery.start()
        elif not settings.join:
            return
        loop = asyncio.get_running_loop()
        earliest = loop.time() + (DISCOVERY_S if settings.mdns else 0.0)
        latest = loop.time() + SETTLE_TIMEOUT_S
        while not self._stopping.is_set() and loop.time() < latest:
            if loop.time() >= earliest and self.node.mesh.is_settled:
                break
            await asyncio.sleep(0.02)

    async def _join(self) -> None:
        """Wait until this node is in a cluster, its own if there is no other."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + JOIN_TIMEOUT_S
        while not self._stopping.is_set() and not self.node.clustering.has_lease:
            if loop.time() >= latest:
                logger.warning("this node is in no cluster yet; commands wait for that")
                break
            await asyncio.sleep(0.01)

    async def _leave(self) -> None:
        """Give all keys to the others, and tell how it goes."""
        if self._left.is_set():  # because a client asked for it
            return
        loop = asyncio.get_running_loop()
        latest = loop.time() + LEAVE_TIMEOUT_S
        asked = demand(self.node)
        if asked.needed_bytes > asked.free_bytes and not self.node.membership.is_alone:
            lacking = NoRoomError(asked.needed_bytes, asked.free_bytes)
            self.node.events.note(Kind.NO_ROOM, str(lacking).partition(" ")[2])
        self.node.clustering.leave()
        self.carry_out()
        while not self._left.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), 1.0)
                break
            left = len(self.node.clustering.led())
            logger.info("%d slots are still to be given to the others", left)
            if loop.time() >= latest:
                logger.warning(
                    "the others did not take %d slots in %d s; their %d keys are lost unless there"
                    " are replicas",
                    left, LEAVE_TIMEOUT_S, self.node.key_count(),
                )  # fmt: skip
                break

    def _found(self, host: str, port: int) -> None:
        self.node.mesh.found(host, port)
        self.carry_out()

    def _tell_ready(self) -> None:
        settings = self._settings
        where = f"redis://{settings.bind}:{settings.port}"
        if settings.socket_path is not None:
            where += f" and {settings.socket_path}"
        others = len(self.node.membership.members) - 1
        # Nothing long-lived is made after this, so the collector need not look at it again.
        gc.freeze()
        logger.info("%s is ready at %s, with %d other members", settings.name, where, others)
        logger.info(
            "peer port %s:%d%s",
            settings.peer_bind,
            settings.peer_port,
            (
                " (links are not encrypted yet; --peer-bind opens it to other machines)"
                if settings.peer_bind.startswith("127.")
                else " (links are not encrypted: use it on a network that you trust)"
            ),
        )
        notify("READY=1")

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TICK_MS / 1000)
            ticks += 1
            if ticks % 10 == 0 and self._clock.resync():
                logger.warning("the wall clock was set; EXPIREAT follows it, deadlines stay")
            self._peers.tick()
            self.node.tick()
            self._clients.tick()
            self.carry_out()

    def _take_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        def stop(name: str) -> None:
            if self._stopping.is_set():
                logger.warning("%s again: stopping at once", name)
                sys.stderr.flush()
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.raise_signal(signal.SIGTERM)
            logger.info("%s: leaving the cluster and stopping", name)
            self._stopping.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop, number.name)

    async def _close(self) -> None:
        self._peers.stop_listening()
        self.node.mesh.leave()
        self.carry_out()
        await self._clients.close()
        await self._discovery.close()
        await asyncio.sleep(GOODBYE_S)
        await self._peers.close()
        # Connections close in callbacks of the next turns.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        logger.error(
            f"{context.get('message')} ({type(error).__name__})",
            exc_info=error if isinstance(error, Exception) else None,
            extra=SELDOM,
        )


def _remembered(device: Device) -> Past | None:
    content = device.record.load()
    try:
        return None if content is None else decode_record(content)
    except CodingError as error:
        raise StateError(
            f"{device.record.path} is of another version ({error}); remove it together with"
            f" {device.path} to make this node a new device"
        ) from error


def run(settings: Settings) -> int:
    """Run a node until it is told to stop; return the exit code of the process.

    Raises:
        StartError: it cannot run with these settings, or not in this cluster.
    """
    logs.set_up(settings.log_level, as_json=settings.log_json)

    device = open_device(Path(settings.state_dir), settings.name)

    async def main() -> None:
        await Runner(settings, device=device).run()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop if uvloop else None) as runner:
        runner.run(main())
    return 0
