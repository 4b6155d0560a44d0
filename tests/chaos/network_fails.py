"""D: cuts, flapping and slow links."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from tests.histories import wipe

from .figures import Figure, correctness, success_percent
from .network import Host
from .nodes_fail import EVERYTHING, SETTLE_S, WARM_UP_S
from .servers import Server, ask, epoch, machines_with, slots_of
from .trial import Trial
from .weather import Weather
from .workload import Sample


def last_answer_s(samples: list[Sample], servers: list[Server], cut: float, heal: float) -> float:
    """Return how long after a cut clients beside some servers still had an answer."""
    numbers = {server.host.number for server in servers}
    return max(
        (
            sample.returned - cut
            for sample in samples
            if sample.host in numbers and cut <= sample.returned < heal and not sample.error
        ),
        default=0.0,
    )


def minority(trial: Trial) -> Iterator[Figure]:
    """D1: one node is cut off for 10 s, with clients on both sides."""
    alone = next(server for server in trial.servers if slots_of(server))
    yield from _cut(trial, [alone], lambda: trial.cut_off(alone))


def one_way(trial: Trial) -> Iterator[Figure]:
    """D3: one node hears nobody, but all hear it."""
    alone = trial.servers[0]

    def cut() -> None:
        for server in trial.servers[1:]:
            alone.host.stop_hearing(server.host)

    yield from _cut(trial, [alone], cut)


def _cut(trial: Trial, minority: list[Server], cut: Callable[[], None]) -> Iterator[Figure]:
    load = trial.load()
    for server in minority:
        # They go on where clients that want everything soon wait for the other side.
        load.add_clients(server, trial.owned(server))
    with load:
        time.sleep(WARM_UP_S)
        at = time.monotonic()
        cut()
        time.sleep(10)
        heal = time.monotonic()
        trial.network.heal()
        time.sleep(SETTLE_S)
    last = last_answer_s(load.samples, minority, at, heal)
    yield Figure("last answer on the minority's side", last, 2.0, "s")
    yield from correctness(load)


def halves(trial: Trial) -> Iterator[Figure]:
    """D2: two and two; one side at most may go on. It lacks the keys with no copy on it."""
    sides = trial.servers[:2], trial.servers[2:]
    copies = {key: machines_with(trial.servers[0], key) for key in EVERYTHING}
    with trial.load() as load:
        time.sleep(WARM_UP_S)
        at = time.monotonic()
        trial.network.cut(*(trial.hosts(side) for side in sides))
        time.sleep(7)
        heal = time.monotonic()
        trial.network.heal()
        lasted = [last_answer_s(load.samples, side, at, heal) for side in sides]
        time.sleep(SETTLE_S)
    yield Figure("sides that serve 4 s after the cut", sum(time_s > 4 for time_s in lasted), 1)
    yield Figure("last answer of the side that stops", min(lasted), 2.0, "s")
    stopped = {server.host.number for server in sides[lasted.index(min(lasted))]}
    lost = [key for key, machines in copies.items() if machines <= stopped]
    yield from correctness(load, [wipe(key, at, heal) for key in lost])


def triangle(trial: Trial) -> Iterator[Figure]:
    """D4: two nodes do not hear each other, all others hear both."""
    with trial.load() as load:
        time.sleep(WARM_UP_S)
        at = time.monotonic()
        trial.network.cut([trial.servers[0].host], [trial.servers[1].host])
        time.sleep(10)
        answered = success_percent(load.samples, at, time.monotonic())
        trial.network.heal()
        time.sleep(SETTLE_S)
    yield Figure("calls answered during the cut", answered, 99, "%", is_least=True)
    yield from correctness(load)


def flapping(trial: Trial) -> Iterator[Figure]:
    """D5: a cable with a loose contact: 0.4 s out, 1 s in."""
    seconds = 60 if trial.options.is_full else 15
    observer, victim = trial.servers[0], trial.servers[-1]
    with trial.load(trial.servers[:-1]) as load:
        time.sleep(WARM_UP_S)
        before = epoch(observer)
        at = time.monotonic()
        while time.monotonic() < at + seconds:
            victim.host.set_link(up=False)
            time.sleep(0.4)
            victim.host.set_link(up=True)
            time.sleep(1)
        until = time.monotonic()
        changes = epoch(observer) - before
        time.sleep(SETTLE_S)
    answered = success_percent(load.samples, at, until)
    yield Figure("changes of the table in a minute", changes * 60 / (until - at), 2)
    yield Figure("calls answered", answered, 95, "%", is_least=True)
    yield from correctness(load)


def slow(trial: Trial) -> Iterator[Figure]:
    """D6: one machine sends 10 Mbit/s at most."""
    yield from _under(trial, lambda host: host.limit("10mbit"))


def delayed(trial: Trial) -> Iterator[Figure]:
    """D6: the line of one machine delays by 50 ms, more or less, and loses one in a hundred."""
    weather = Weather(delay_s=0.05, jitter_s=0.02, loss=0.01)
    yield from _under(trial, lambda host: host.worsen(weather, trial.options.seed))


def lossy(trial: Trial) -> Iterator[Figure]:
    """D6: the line of one machine loses five in a hundred; to be given up is allowed then."""
    figures = _under(trial, lambda host: host.worsen(Weather(loss=0.05), trial.options.seed))
    yield from list(figures)[1:]


def _under(trial: Trial, worsen: Callable[[Host], None]) -> Iterator[Figure]:
    observer = trial.servers[1]
    before = epoch(observer)
    worsen(trial.servers[0].host)
    with trial.load() as load:
        time.sleep(10)
    # A node that was given up and came back may have the slots that it had, but by a newer table.
    yield Figure("changes of the table although all run", epoch(observer) - before, 0)
    yield from correctness(load)


def vanished(trial: Trial) -> Iterator[Figure]:
    """D7: a machine's cable is pulled: no connection is closed."""
    observer, victim = trial.servers[0], trial.servers[-1]
    victim.host.set_link(up=False)
    took = trial.wait_for(lambda: "it is alive" if _sees(observer, victim) else "", 20)
    yield Figure("until it is suspect", took, 1.5, "s")


def without_mdns(trial: Trial) -> Iterator[Figure]:
    """D10: no multicast at all, one known address."""
    server = trial.add_server()
    server.launch()
    took = trial.wait_for(lambda: "" if _sees(trial.servers[0], server) else "not there", 30)
    yield Figure("from the start of the process to the join", took, 3.0, "s")
    trial.wait_healthy()


def _sees(observer: Server, server: Server) -> bool:
    """Return whether a node takes another one for alive."""
    return any(
        peer["name"] == f"n{server.host.number}" and peer["state"] == "alive"
        for peer in ask(observer, "PEERS")
    )
