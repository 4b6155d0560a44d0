"""C: processes that are killed, stopped and starved."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.histories import wipe

from .figures import Figure, correctness, middle, recovery_s
from .servers import epoch, slots_of
from .trial import Trial
from .workload import COUNTERS, VALUES

WARM_UP_S = 2.0
SETTLE_S = 4.0
EVERYTHING = VALUES + COUNTERS


def killed(trial: Trial) -> Iterator[Figure]:
    """C1: one node is killed; each time another."""
    times: list[float] = []
    rounds = 5 if trial.options.is_full else 2
    with trial.load() as load:
        for _ in range(rounds):
            time.sleep(WARM_UP_S)
            victim = trial.random.choice([s for s in trial.servers if trial.owned(s)])
            keys = trial.owned(victim)
            at = trial.kill(victim)
            time.sleep(SETTLE_S + WARM_UP_S)
            times += recovery_s(load.samples, keys, at)
            trial.restart(victim)
        time.sleep(WARM_UP_S)
    times.sort()
    yield Figure("until its keys are answered again, median", middle(times), 2.3, "s")
    yield Figure("longest", max(times, default=math.inf), 3.0, "s")
    yield from correctness(load)


def two_killed(trial: Trial) -> Iterator[Figure]:
    """C2: two nodes at once."""
    with trial.load() as load:
        time.sleep(WARM_UP_S)
        victims = trial.random.sample(trial.servers, 2)
        keys = [key for victim in victims for key in trial.owned(victim)]
        at = time.monotonic()
        for victim in victims:
            victim.signal(signal.SIGKILL)
        time.sleep(WARM_UP_S + SETTLE_S)
    times = recovery_s(load.samples, keys, at)
    yield Figure("longest until their keys are answered", max(times, default=0.0), 3.5, "s")
    yield from correctness(load)


def killed_without_copy(trial: Trial) -> Iterator[Figure]:
    """C3: the only copy goes: its keys are empty, never old; all others stay."""
    with trial.load() as load:
        time.sleep(WARM_UP_S)
        victim = trial.random.choice(trial.servers)
        keys = trial.owned(victim)
        at = trial.kill(victim)
        time.sleep(SETTLE_S + WARM_UP_S)
    times = recovery_s(load.samples, keys, at)
    yield Figure("longest until its keys are answered", max(times, default=0.0), 3.0, "s")
    yield from correctness(load, [wipe(key, at, at + SETTLE_S) for key in keys])


def stopped(trial: Trial) -> Iterator[Figure]:
    """C4: a node is stopped for a while and goes on as if nothing had been."""
    with trial.load() as load:
        for pause_s in (0.5, 3.0, 30.0 if trial.options.is_full else 8.0):
            time.sleep(WARM_UP_S)
            victim = trial.random.choice([s for s in trial.servers if slots_of(s)])
            before = epoch(victim)
            victim.signal(signal.SIGSTOP)
            time.sleep(pause_s)
            victim.signal(signal.SIGCONT)
            if pause_s < 1:
                time.sleep(1)
                changes = epoch(victim) - before
                yield Figure(f"changes of the table after {pause_s} s", changes, 0)
            else:
                healed_s = trial.wait_healthy()
                yield Figure(f"until one cluster again, after {pause_s:.0f} s", healed_s, 5.0, "s")
        time.sleep(WARM_UP_S)
    yield from correctness(load)


def restarted_at_once(trial: Trial) -> Iterator[Figure]:
    """C6: killed and started again within 50 ms on the same port."""
    longest = 0.0
    with trial.load() as load:
        for _ in range(50 if trial.options.is_full else 4):
            time.sleep(1)
            victim = trial.random.choice(trial.servers)
            victim.kill()
            victim.launch()
            longest = max(longest, trial.wait_healthy())
        time.sleep(WARM_UP_S)
    yield Figure("longest until all is well", longest, 5.0, "s")
    yield from correctness(load)


def all_killed(trial: Trial) -> Iterator[Figure]:
    """C7: all are killed at once and started: empty, and no older value."""
    with trial.load() as load:
        time.sleep(WARM_UP_S)
        at = time.monotonic()
        for server in trial.servers:
            server.signal(signal.SIGKILL)
        for server in trial.servers:
            server.kill()
            server.launch()
        took = trial.wait_healthy()
        time.sleep(WARM_UP_S)
    yield Figure("until they serve", took, 6.0, "s")
    yield from correctness(load, [wipe(key, at, at + took + 1) for key in EVERYTHING])


def failover_loop(trial: Trial) -> Iterator[Figure]:
    """C8: kill, write, verify, restart; again and again."""
    with trial.load() as load:
        for _ in range(50 if trial.options.is_full else 3):
            time.sleep(1)
            victim = trial.random.choice(trial.servers)
            victim.kill()
            time.sleep(SETTLE_S)
            trial.restart(victim)
        time.sleep(WARM_UP_S)
    yield from correctness(load)


def starved(trial: Trial) -> Iterator[Figure]:
    """C9: four busy processes on the machine's cores."""
    seconds = 600 if trial.options.is_full else 15
    before = epoch(trial.servers[0])
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        with trial.load() as load:
            time.sleep(seconds)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    changes = epoch(trial.servers[0]) - before
    # One node given up in ten minutes is allowed; it goes and comes back.
    yield Figure("changes of the table although all run", changes, 2)
    yield from correctness(load)
