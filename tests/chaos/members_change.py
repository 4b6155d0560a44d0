"""E: nodes that join and leave under load."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

from .figures import Figure, correctness, longest_call_s, success_percent
from .nodes_fail import SETTLE_S, WARM_UP_S
from .servers import Server, ask
from .trial import Trial

# Until the processes of newcomers run there is nothing to agree on.
PROCESS_START_S = 1.5


def joined(trial: Trial) -> Iterator[Figure]:
    """E1: one more node."""
    with trial.load() as load:
        time.sleep(WARM_UP_S)
        at = time.monotonic()
        trial.add_server().launch()
        time.sleep(0.5)  # until it runs it is not missed
        took = 0.5 + trial.wait_healthy()
        until = time.monotonic()
        time.sleep(SETTLE_S)
    yield Figure("from the start of the process to its slots", took, 3.0, "s")
    yield Figure(
        "calls answered", success_percent(load.samples, at, until), 100, "%", is_least=True
    )
    yield from correctness(load)


def left(trial: Trial) -> Iterator[Figure]:
    """E2: one node leaves politely."""
    victim = trial.servers[-1]
    with trial.load(trial.servers[:-1]) as load:
        time.sleep(WARM_UP_S)
        at = time.monotonic()
        victim.signal(signal.SIGTERM)
        time.sleep(2 * SETTLE_S)
    yield Figure("longest call", 1000 * longest_call_s(load.samples, at), 250, "ms")
    answered = success_percent(load.samples, at, time.monotonic())
    yield Figure("calls answered", answered, 100, "%", is_least=True)
    yield from correctness(load)


def two_join_one_leaves(trial: Trial) -> Iterator[Figure]:
    """E7: two nodes join and one leaves at once, again and again."""
    longest = 0.0
    with trial.load(trial.servers[:1]) as load:
        for _ in range(20 if trial.options.is_full else 2):
            time.sleep(1)
            leaving = trial.running[-1]
            newcomers = [trial.add_server(), trial.add_server()]
            for server in newcomers:
                server.launch()
            leaving.signal(signal.SIGTERM)
            time.sleep(PROCESS_START_S)
            longest = max(longest, PROCESS_START_S + trial.wait_healthy())
            newcomers[0].signal(signal.SIGTERM)
            trial.wait_for(lambda: "it runs" if newcomers[0].is_running else "", 30)  # noqa: B023
        time.sleep(WARM_UP_S)
    yield Figure("longest until all agree", longest, 5.0, "s")
    yield from correctness(load)


def rate(trial: Trial) -> Iterator[Figure]:
    """E3: how fast a node that leaves gives away its half of 1 GiB."""
    value, count = "v" * 16_384, 65_600
    for first in range(0, count, 100):
        words = [word for i in range(first, first + 100) for word in (f"moved:{i}", value)]
        ask(trial.servers[0], "MSET", *words)
    victim = trial.servers[-1]
    moved = sum(int(peer["keys"]) for peer in ask(victim, "PEERS")[:1]) * len(value)
    at = time.monotonic()
    victim.signal(signal.SIGTERM)
    trial.wait_for(lambda: "it runs" if victim.is_running else "", 60)
    took = time.monotonic() - at
    yield Figure("bytes given away", moved / 1e6 / took, 150, "MB/s", is_least=True)
    lost = count - int(ask(trial.servers[0], "DBSIZE"))
    yield Figure("keys lost", lost, 0)


def killed_while_moving(trial: Trial) -> Iterator[Figure]:
    """E4: somebody is killed while slots move: who gives, who gets, who leads, or who looks on."""
    rounds = 20 if trial.options.is_full else 4
    with trial.load(trial.servers[:1]) as load:
        for number in range(rounds):
            time.sleep(1)
            newcomer = trial.add_server()
            newcomer.launch()
            time.sleep(1.2 + trial.random.random())
            others = [server for server in trial.running if server is not trial.servers[0]]
            victim = newcomer if number % 2 else trial.random.choice(others)
            victim.kill()
            time.sleep(SETTLE_S)
            trial.wait_healthy()
    yield from correctness(load)


def scanned(trial: Trial) -> Iterator[Figure]:
    """E8: in moves, too, SCAN gives each key that is there all the time, FLUSHALL leaves none."""
    server = trial.servers[0]
    names = {f"scanned:{number}" for number in range(5000)}
    ask(server, "MSET", *[word for name in sorted(names) for word in (name, "v")])
    missed = 0
    for _ in range(3):
        trial.add_server().launch()
        until = time.monotonic() + 3.0
        while time.monotonic() < until:
            missed += len(names.difference(_scan(server)))
        trial.wait_healthy()
    yield Figure("keys that a scan missed", missed, 0)
    trial.running[-1].signal(signal.SIGTERM)
    time.sleep(0.3)
    ask(server, "FLUSHALL")
    left = int(ask(server, "DBSIZE"))
    trial.wait_healthy()
    yield Figure("keys after FLUSHALL", left + int(ask(server, "DBSIZE")), 0)


def _scan(server: Server) -> set[str]:
    found: set[str] = set()
    cursor = "0"
    while True:
        cursor, names = ask(server, "SCAN", cursor, "COUNT", "1000")
        found.update(names)
        if str(cursor) == "0":
            return found
