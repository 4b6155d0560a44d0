"""Whole runs: a cluster, clients, faults drawn from a seed; then peace, when all must be well."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

from memcloud.protocol import messages
from memcloud.protocol.core import Core
from memcloud.protocol.effects import Send
from memcloud.protocol.settings import Isolation
from memcloud.protocol.table import NO_CLUSTER, Member

from .clients import Client
from .seen import Seen, complaint, start_over
from .world import CoreMaker, Weather, World

AMBUSHED = (
    messages.Accept,
    messages.Accepted,
    messages.CopyAck,
    messages.CopyChunk,
    messages.CopyOffered,
    messages.Decided,
    messages.Forward,
    messages.Order,
    messages.Prepare,
    messages.Promise,
    messages.Replicate,
    messages.Replicated,
    messages.Result,
    messages.TableInForce,
)
DEEDS = ("crash", "crash", "pause", "cut", "mute", "deafen", "repeat", "repeat")
SETTLE_MS = 20_000
LIVENESS_MS = 6_000
FAULTS = (
    "crash",
    "bounce",
    "pause",
    "cut",
    "one way",
    "flap",
    "leave",
    "non-transitive",
    "clog",
    "ambush",
    "ambush",
    "ambush",
)
SPLITS = (*FAULTS, "split", "split")
"""With cuts that last so long that those who are cut off found a cluster."""


@dataclass(frozen=True)
class Setup:
    """What a run is like."""

    devices: int = 4
    replicas: int = 2
    faults: tuple[str, ...] = FAULTS
    is_stacked: bool = False  # a fault may come before the one before it has healed
    is_grouped: bool = False  # a cut may part the devices in the middle
    duration_ms: int = 60_000
    isolation: Isolation = Isolation.REFUSE
    clients: int = 6
    keys: int = 12
    slots: int = 8
    make_core: CoreMaker = Core


@dataclass
class Outcome:
    """What came of a run."""

    violations: list[str]
    seen: Counter[str]
    client_saw: Seen
    trace: str
    events: int
    world: World


class Nemesis:
    """Breaks things, and repairs them after a while."""

    def __init__(self, world: World, setup: Setup, until_ms: float) -> None:
        self._world = world
        self._setup = setup
        self._until_ms = until_ms

    def go(self) -> None:
        """Break the next thing."""
        world, random = self._world, self._world.random
        if world.now_ms >= self._until_ms:
            return
        if not self._setup.is_stacked and not world.is_settled():
            world.after(500, self.go)
            return
        fault = random.choice(self._setup.faults)
        name = random.choice(list(world.devices))
        duration_ms = random.uniform(300, 6300)
        self._break(fault, name, duration_ms)
        world.after(random.uniform(1000, 5000), self.go)

    def end(self) -> None:
        """Repair everything."""
        world = self._world
        world.heal()
        world.weather = Weather()
        world.ambush = None
        for name, device in world.devices.items():
            if device.process is None:
                world.start(name)
            else:
                world.resume(name)

    def _break(self, fault: str, name: str, duration_ms: float) -> None:
        world, random = self._world, self._world.random
        process = world.devices[name].process
        if process is None:
            return
        world.seen[f"fault: {fault}"] += 1
        others = [each for each in world.devices if each != name]
        match fault:
            case "crash" | "bounce":
                world.crash(name)
                wait_ms = 50 if fault == "bounce" else duration_ms
                world.after(wait_ms, self._restart, name)
            case "pause":
                world.pause(name)
                world.after(duration_ms, world.resume, name)
            case "cut" | "one way" | "flap":
                side = {name}
                if self._setup.is_grouped and random.random() < 0.4:
                    side = set(random.sample(list(world.devices), len(world.devices) // 2))
                world.cut_off(side, one_way=fault == "one way")
                world.after(400 if fault == "flap" else duration_ms, world.heal)
            case "split":
                count = random.randrange(1, len(world.devices))
                world.cut_off(set(random.sample(list(world.devices), count)))
                world.after(8_000 + 1.2 * duration_ms, world.heal)
            case "non-transitive" if others:
                world.cut(name, random.choice(others))
                world.after(duration_ms, world.heal)
            case "clog":
                before = world.weather
                world.weather = Weather(before.loss, before.duplicates, 0.8)
                world.after(min(duration_ms, 1500), partial(setattr, world, "weather", before))
            case "ambush":
                kind = random.choice(AMBUSHED)
                world.ambush = kind, partial(self._strike, random.choice(DEEDS), duration_ms)
            case "leave" if not process.is_paused:
                world.event(process, process.core.leave)
                world.after(duration_ms + 3000, self._restart, name)

    def _strike(self, deed: str, duration_ms: float, source: Member, effect: Send) -> None:
        """Do something to the sender or the receiver of a message at the moment it is sent."""
        world = self._world
        name = world.random.choice((source.device, effect.device))
        process = world.devices[name].process
        world.seen[f"ambush: {deed} at {type(effect.message).__name__}"] += 1
        if deed == "repeat":
            world.deliver_later(0.5 * duration_ms, source, effect)
        elif process is not None and not process.is_paused:
            others = [each for each in world.devices if each != name]
            match deed:
                case "crash":
                    world.after(0, self._crash, name)
                    world.after(duration_ms, self._restart, name)
                case "pause":
                    world.after(0, self._pause, name)
                    world.after(duration_ms, world.resume, name)
                case "cut" | "mute" | "deafen":
                    for other in others:
                        if deed != "deafen":
                            world.cuts.add((name, other))
                        if deed != "mute":
                            world.cuts.add((other, name))
                    world.after(duration_ms, world.heal)

    def _crash(self, name: str) -> None:
        if self._world.devices[name].process is not None:
            self._world.crash(name)

    def _pause(self, name: str) -> None:
        if self._world.devices[name].process is not None:
            self._world.pause(name)

    def _restart(self, name: str) -> None:
        if self._world.devices[name].process is None:
            self._world.start(name)


def run(seed: int, setup: Setup) -> Outcome:
    """Run a cluster from a seed and check all that must hold."""
    world = World(
        seed,
        devices=setup.devices,
        replicas=setup.replicas,
        slots=setup.slots,
        isolation=setup.isolation,
        make_core=setup.make_core,
    )
    world.start_all()
    loss = world.random.choice((0.0, 0.01, 0.05))
    world.weather = Weather(loss, loss, world.random.choice((0.0, 0.02, 0.1)))
    seen = Seen(last_done_ms=world.now_ms)
    clients = [Client(world, seen, number, setup.keys) for number in range(setup.clients)]
    for client in clients:
        world.after(world.random.uniform(0, 100), client.go)
    end_ms = world.now_ms + setup.duration_ms
    nemesis = Nemesis(world, setup, end_ms - 15_000)
    if setup.faults:
        world.after(1000, nemesis.go)
    world.run(max(0.0, end_ms - 12_000 - world.now_ms))
    nemesis.end()
    world.run(end_ms - world.now_ms)
    _check_peace(world, clients, seen)
    world.count_rare()
    if not world.violations:
        _check_histories(world, setup, seen)
    return Outcome(world.violations, world.seen, seen, world.trace, world.events, world)


def _check_peace(world: World, clients: list[Client], seen: Seen) -> None:
    """All is well some time after the last fault."""
    if world.violations:
        return
    if not world.run_until(world.is_settled, SETTLE_MS):
        world.violations.append(f"not settled: {world.describe()}")
        return
    bad = seen.outcomes.total() - seen.outcomes["done"]
    world.run(LIVENESS_MS)
    if seen.outcomes.total() - seen.outcomes["done"] > bad:
        world.violations.append(f"commands fail in peace: {seen.outcomes}")
    for client in clients:
        client.is_stopped = True
    world.run(8_000)
    if not world.violations:
        world.check_quiet()


def _check_histories(world: World, setup: Setup, seen: Seen) -> None:
    if setup.isolation is Isolation.REFUSE:
        lines = [(NO_CLUSTER, False)]
    else:
        clusters = dict.fromkeys(cluster for cluster, _ in world.tables)
        lines = [(cluster, place > 0) for place, cluster in enumerate(clusters)]
    for line, is_fork in lines:
        operations = seen.of(line)
        operations += [offered for cluster, offered in world.bequests if cluster == line]
        operations += [
            start_over(b"k%d" % index, since_ms, until_ms)
            for cluster, slot, since_ms, until_ms in world.wipes
            if cluster == line
            for index in range(slot, setup.keys, setup.slots)
        ]
        wrong = complaint(operations, is_fork=is_fork)
        if wrong:
            world.violations.append(wrong)
