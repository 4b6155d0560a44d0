"""E: nodes that join and leave under load."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

from .figures import Figure, correctness, longest_call_s, success_percent
from .nodes_fail import SETTLE_S, WARM_UP_S
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
