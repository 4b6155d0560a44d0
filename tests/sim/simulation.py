"""A whole cluster in one process: a fake clock, a fake network, one seed.

The network carries the bytes of the links, whole and in order as TCP does, with a delay of its
own for each write. A cut holds them back (and nothing tells the nodes); a crash resets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Any

from memcloud.effects import (
    CloseClient,
    CloseLink,
    Dial,
    Effect,
    KeepRecord,
    Leave,
    Stop,
    ToClient,
    ToLink,
)
from memcloud.host import FixedHost
from memcloud.node import TICK_MS, Node
from memcloud.protocol.coding import encode_record
from memcloud.settings import Settings
from tests.manual_clock import ManualClock

HOST = "127.0.0.1"
DIAL_TIMEOUT_MS = 3000
START_MS = 700  # how long those who know another node look for its cluster


@dataclass
class Wire:
    """One direction of a connection."""

    source: SimulatedNode
    target: SimulatedNode
    link: int | None = None  # its number at the target
    free_ms: int = 0  # when the last write has arrived
    is_open: bool = True


@dataclass
class SimulatedNode:
    """A node, what is connected to it, and whether it runs."""

    name: str
    port: int
    node: Node
    is_up: bool = True
    is_paused: bool = False
    stop_reason: str | None = None
    has_left: bool = False
    record: bytes = b""  # what its device remembers
    replies: dict[int, bytes] = field(default_factory=dict)
    closed_clients: set[int] = field(default_factory=set)
    wires: dict[int, tuple[Wire, Wire]] = field(default_factory=dict)  # link -> (out, in)
    missed: list[Callable[[], None]] = field(default_factory=list)


class Simulation:
    """Runs nodes and clients; the same seed gives the same trace."""

    def __init__(self, seed: int, *, delay_max_ms: int = 5) -> None:
        self.random = Random(seed)
        self.clock = ManualClock()
        self.delay_max_ms = delay_max_ms
        self.nodes: dict[str, SimulatedNode] = {}
        self.cut: set[frozenset[str]] = set()
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0
        self._trace = hashlib.sha256()
        self._next_client = 0
        self._next_port = 7000

    def start(self, name: str, *, join: str | None = None, **settings: Any) -> SimulatedNode:
        """Start a node; ``join`` names one that it knows the address of."""
        self._next_port += 1
        port = self._next_port
        settings.setdefault("memory_bytes", 1 << 30)
        settings.setdefault("start_ms", 0 if join is None else START_MS)
        configuration = Settings(name, port=port, peer_port=port + 10000, **settings)
        node = Node(configuration, self.clock, Random(self.random.getrandbits(64)), FixedHost())
        simulated = SimulatedNode(name, self._next_port, node)
        self.nodes[name] = simulated
        if join is not None:
            node.mesh.found(HOST, self.nodes[join].port + 10000, is_kept=True)
        self._carry_out(simulated)
        self.after(TICK_MS, partial(self._tick, simulated))
        return simulated

    def crash(self, name: str) -> None:
        """Kill a node: its connections are reset and its port is closed."""
        victim = self.nodes[name]
        victim.is_up = False
        for out, back in victim.wires.values():
            out.is_open = back.is_open = False
            self.after(self._delay(), partial(self._reset, out))

    def pause(self, name: str) -> None:
        """Stop a node as SIGSTOP does."""
        self.nodes[name].is_paused = True

    def resume(self, name: str) -> None:
        """Let a stopped node go on; what came meanwhile it gets now."""
        paused = self.nodes[name]
        paused.is_paused = False
        missed, paused.missed = paused.missed, []
        for event in missed:
            event()

    def connect_client(self, name: str) -> int:
        """Connect a client and return its number."""
        self._next_client += 1
        self.nodes[name].node.clients.opened(
            self._next_client, address=f"{HOST}:1", local_address=f"{HOST}:2"
        )
        return self._next_client

    def send(self, name: str, client: int, data: bytes) -> None:
        """Let a client send bytes now."""
        simulated = self.nodes[name]
        self.event(simulated, partial(simulated.node.clients.received, client, data))

    def command(self, name: str, *args: str, timeout_ms: int = 8000) -> bytes:
        """Run one command through a node and return the bytes of its reply."""
        client = self.connect_client(name)
        body = "".join(f"${len(arg)}\r\n{arg}\r\n" for arg in args)
        self.send(name, client, f"*{len(args)}\r\n{body}".encode())
        self.run_until(lambda: client in self.nodes[name].replies, timeout_ms)
        self.nodes[name].node.clients.closed(client)
        return self.nodes[name].replies[client]

    def after(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Run an action later; equal times keep the order in which they were asked for."""
        self._sequence += 1
        heappush(self._queue, (self.clock.now_ms() + delay_ms, self._sequence, action))

    def run(self, duration_ms: int) -> None:
        """Move time on, doing all that falls into it."""
        end_ms = self.clock.now_ms() + duration_ms
        while self._queue and self._queue[0][0] <= end_ms:
            self._step()
        self.clock.advance(end_ms - self.clock.now_ms())

    def run_until(self, condition: Callable[[], bool], timeout_ms: int = 10_000) -> None:
        """Move time on until something holds."""
        end_ms = self.clock.now_ms() + timeout_ms
        while not condition():
            assert self._queue, "nothing is left to happen"
            assert self._queue[0][0] <= end_ms, "it did not come to hold in time"
            self._step()

    def running(self) -> list[SimulatedNode]:
        """Return the nodes that neither ended nor are stopped."""
        return [each for each in self.nodes.values() if each.is_up and not each.is_paused]

    def agree(self) -> bool:
        """Return whether the running nodes have one table, of just them, that is to stay.

        And each of them serves, and finds all that it is to serve.
        """
        cores = [each.node.clustering.core for each in self.running()]
        table = cores[0].table
        return (
            table is not None
            and sorted(table.members) == sorted(core.me for core in cores)
            and len({(core.state.cluster, core.state.epoch) for core in cores}) == 1
            and all(core.lease_until_ms > self.clock.now_ms() for core in cores)
            and not any(each.node.clustering.slots.waiting for each in self.running())
            and all(core.leading.plan().is_done for core in cores if table.members[0] == core.me)
        )

    def settle(self, timeout_ms: int = 20_000) -> None:
        """Move time on until all agree."""
        self.run_until(self.agree, timeout_ms)

    @property
    def trace(self) -> str:
        """A digest of everything that was sent, in order."""
        return self._trace.hexdigest()

    def _step(self) -> None:
        due_ms, _, action = heappop(self._queue)
        self.clock.advance(max(0, due_ms - self.clock.now_ms()))
        action()

    def _delay(self) -> int:
        return 1 + self.random.randrange(self.delay_max_ms)

    def _tick(self, simulated: SimulatedNode) -> None:
        if simulated.is_up:
            if not simulated.is_paused:
                self.event(simulated, simulated.node.tick)
            self.after(TICK_MS, partial(self._tick, simulated))

    def event(self, simulated: SimulatedNode, event: Callable[[], object]) -> None:
        """Let something happen to a node now, or when it goes on."""
        if not simulated.is_up:
            return
        if simulated.is_paused:
            simulated.missed.append(partial(self.event, simulated, event))
            return
        event()
        self._carry_out(simulated)

    def _carry_out(self, simulated: SimulatedNode) -> None:
        node = simulated.node
        while True:
            node.flush()
            effects = node.take_effects()
            for effect in effects:
                # The record is large, and its text is larger.
                said = effect.record.incarnation if isinstance(effect, KeepRecord) else effect
                self._trace.update(repr((self.clock.now_ms(), simulated.name, said)).encode())
                self._do(simulated, effect)
            if node.clients.has_work or node.clustering.has_work:
                node.clients.run_turn()
                node.clustering.run_slice()
            elif not effects:
                return

    def _do(self, simulated: SimulatedNode, effect: Effect) -> None:
        match effect:
            case ToClient(client, data):
                simulated.replies[client] = simulated.replies.get(client, b"") + data
            case CloseClient(client):
                simulated.closed_clients.add(client)
            case Dial(_, port):
                self.after(self._delay(), partial(self._dial, simulated, port, DIAL_TIMEOUT_MS))
            case ToLink(link, data):
                if link in simulated.wires:
                    self._write(simulated.wires[link][0], data)
            case CloseLink(link):
                if link in simulated.wires:
                    self._close(*simulated.wires.pop(link))
            case Stop(reason):
                simulated.stop_reason = reason
            case KeepRecord(record):
                simulated.record = encode_record(record)
            case Leave():
                simulated.has_left = True

    def _dial(self, source: SimulatedNode, port: int, patience_ms: int) -> None:
        target = next((each for each in self.nodes.values() if each.port + 10000 == port), None)
        if target is not None and frozenset((source.name, target.name)) in self.cut:
            if patience_ms > 0:
                self.after(100, partial(self._dial, source, port, patience_ms - 100))
                return
            failed = partial(
                source.node.mesh.dial_failed, HOST, port, "timed out", is_refused=False
            )
            self.event(source, failed)
        elif target is None or not target.is_up:
            failed = partial(source.node.mesh.dial_failed, HOST, port, "refused", is_refused=True)
            self.event(source, failed)
        else:
            self._connect(source, target, port)

    def _connect(self, source: SimulatedNode, target: SimulatedNode, port: int) -> None:
        there, back = Wire(source, target), Wire(target, source)

        def accept() -> None:
            there.link = target.node.mesh.opened(HOST, 40000, is_outgoing=False)
            target.wires[there.link] = (back, there)

        def opened() -> None:
            back.link = source.node.mesh.opened(HOST, port, is_outgoing=True)
            source.wires[back.link] = (there, back)

        self.event(target, accept)
        self.event(source, opened)

    def _write(self, wire: Wire, data: bytes) -> None:
        wire.free_ms = max(wire.free_ms, self.clock.now_ms() + self._delay())
        self.after(wire.free_ms - self.clock.now_ms(), partial(self._deliver, wire, data))

    def _deliver(self, wire: Wire, data: bytes) -> None:
        if not wire.is_open:
            return
        if frozenset((wire.source.name, wire.target.name)) in self.cut:
            self.after(50, partial(self._deliver, wire, data))  # sent again until it gets through
            return
        if wire.link is not None:
            self.event(wire.target, partial(wire.target.node.mesh.received, wire.link, data))

    def _close(self, out: Wire, back: Wire) -> None:
        back.is_open = False
        out.free_ms = max(out.free_ms, self.clock.now_ms() + self._delay())
        self.after(out.free_ms - self.clock.now_ms(), partial(self._reset, out))

    def _reset(self, wire: Wire) -> None:
        wire.is_open = False
        if wire.link is not None and wire.link in wire.target.wires:
            del wire.target.wires[wire.link]
            self.event(wire.target, partial(wire.target.node.mesh.closed, wire.link))
