"""Whole runs: a cluster, clients, faults drawn from a seed; then peace, when all must be well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from memcloud.protocol.core import Core
from memcloud.protocol.settings import Isolation

from .clients import Client, History
from .linearizable import violation
from .world import CoreMaker, Weather, World

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
)


@dataclass(frozen=True)
class Setup:
    """What a run is like."""

    devices: int = 4
    replicas: int = 2
    faults: tuple[str, ...] = FAULTS
    one_at_a_time: bool = True
    single: bool = True  # one device at a time is affected
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
    history: History
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
        if self._setup.one_at_a_time and not world.is_settled():
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
                if not self._setup.single and random.random() < 0.4:
                    side = set(random.sample(list(world.devices), len(world.devices) // 2))
                world.cut_off(side, one_way=fault == "one way")
                world.after(400 if fault == "flap" else duration_ms, world.heal)
            case "non-transitive" if others:
                world.cut(name, random.choice(others))
                world.after(duration_ms, world.heal)
            case "clog":
                before = world.weather
                world.weather = Weather(before.loss, before.duplicates, 0.8)
                world.after(min(duration_ms, 1500), partial(setattr, world, "weather", before))
            case "leave" if not process.is_paused:
                world.event(process, process.core.leave)
                world.after(duration_ms + 3000, self._restart, name)

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
    history = History(last_done_ms=world.now_ms)
    clients = [Client(world, history, number, setup.keys) for number in range(setup.clients)]
    for client in clients:
        world.after(world.random.uniform(0, 100), client.go)
    end_ms = world.now_ms + setup.duration_ms
    nemesis = Nemesis(world, setup, end_ms - 15_000)
    if setup.faults:
        world.after(1000, nemesis.go)
    world.run(max(0.0, end_ms - 12_000 - world.now_ms))
    nemesis.end()
    world.run(end_ms - world.now_ms)
    _check_peace(world, clients, history)
    if not world.violations:
        wrong = violation(history.operations, _wipes(world, setup))
        if wrong:
            world.violations.append(wrong)
    return Outcome(world.violations, world.seen, history, world.trace, world.events, world)


def _check_peace(world: World, clients: list[Client], history: History) -> None:
    """All is well some time after the last fault."""
    if world.violations:
        return
    if not world.run_until(world.is_settled, SETTLE_MS):
        world.violations.append(f"not settled: {world.describe()}")
        return
    bad = history.outcomes.total() - history.outcomes["done"]
    world.run(LIVENESS_MS)
    if history.outcomes.total() - history.outcomes["done"] > bad:
        world.violations.append(f"commands fail in peace: {history.outcomes}")
    for client in clients:
        client.is_stopped = True
    world.run(8_000)
    if not world.violations:
        world.check_quiet()


def _wipes(world: World, setup: Setup) -> dict[str, list[tuple[float, float]]]:
    return {
        f"k{index}": [
            (first_ms, last_ms)
            for _, slot, first_ms, last_ms in world.wipes
            if slot == index % setup.slots
        ]
        for index in range(setup.keys)
    }


Run = Callable[[int, Setup], Outcome]
