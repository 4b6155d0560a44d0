"""Load by redis-benchmark: rounds in which the servers take turns, and their medians.

Machines are noisy, and their noise comes in phases. So the servers take turns within each round,
and the median of the rounds counts. Processor time per operation is the steadiest figure of all.
In each round every server has the same number of operations: what the slowest does in a moment.
"""

from __future__ import annotations

import csv
import io
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .errors import BenchError
from .machine import on_last_core
from .servers import Server

CLIENTS = 50
KEYS = 100_000
VALUE_BYTES = 64
ROUND_SECONDS_MAX = 120
TRIAL_OPERATIONS = 10_000
KEY = "key:__rand_int__"  # redis-benchmark puts 12 digits in: 16 bytes
VALUE = "v" * VALUE_BYTES


@dataclass(frozen=True)
class Sample:
    """What one round, or the median of several, has shown."""

    operations_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float  # of the server, per operation


@dataclass(frozen=True)
class Target:
    """Where load goes, and whose processor time counts: perhaps several processes."""

    title: str
    port: int
    processes: Sequence[Server]

    @classmethod
    def of(cls, server: Server) -> Target:
        """Return the target of a server by itself."""
        return cls(server.title, server.port, [server])

    def cpu_seconds(self) -> float:
        """Return the processor time that all of them have used."""
        return sum(process.cpu_seconds() for process in self.processes)


@dataclass(frozen=True)
class Work:
    """What redis-benchmark shall send: a command, how many in flight, for how long a round."""

    command: Sequence[str]
    pipeline: int
    seconds: float = 1.0
    keys: int = KEYS
    operations_max: int = 2_000_000


def measure(
    targets: Sequence[Target],
    work: Work,
    rounds: int,
    prepare: Callable[[Target], None] | None = None,
) -> dict[str, Sample]:
    """Return the median sample of each target, by its title; prepare them before each round."""
    slowest = min(run_round(target, work, _trial(work)).operations_per_second for target in targets)
    wanted = int(min(work.operations_max, slowest * work.seconds))
    count = max(_trial(work), wanted)
    samples: dict[str, list[Sample]] = {target.title: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            if prepare is not None:
                prepare(target)
            samples[target.title].append(run_round(target, work, count))
    return {title: median(taken) for title, taken in samples.items()}


def run_round(target: Target, work: Work, count: int) -> Sample:
    """Put load on a server. Raises BenchError if redis-benchmark fails."""
    program = shutil.which("redis-benchmark")
    if program is None:
        raise BenchError("redis-benchmark is not installed: run scripts/install-test-tools.sh")
    command = [*on_last_core(), program, "-p", str(target.port), "-c", str(CLIENTS)]
    command += ["-P", str(work.pipeline), "-n", str(count), "-r", str(work.keys), "--csv"]
    cpu_before = target.cpu_seconds()
    try:
        done = subprocess.run(
            [*command, *work.command],
            capture_output=True,
            text=True,
            timeout=ROUND_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BenchError(f"{target.title}: {work.command[0]} takes too long") from None
    cpu_seconds = target.cpu_seconds() - cpu_before
    rows = [row for row in csv.reader(io.StringIO(done.stdout)) if len(row) == 8]
    if done.returncode != 0 or len(rows) < 2:
        raise BenchError(f"{target.title}, {work.command[0]}: {done.stdout} {done.stderr}")
    _, rate, _, _, p50, _, p99, _ = rows[-1]
    return Sample(float(rate), float(p50), float(p99), cpu_seconds / count * 1e6)


def median(samples: Iterable[Sample]) -> Sample:
    """Return the median of each figure."""
    taken = list(samples)
    return Sample(
        statistics.median(sample.operations_per_second for sample in taken),
        statistics.median(sample.p50_ms for sample in taken),
        statistics.median(sample.p99_ms for sample in taken),
        statistics.median(sample.cpu_us for sample in taken),
    )


def best_peer_cpu_us(samples: dict[str, Sample], subject: str) -> float:
    """Return the least processor time per operation that another server than ours takes."""
    return min(sample.cpu_us for title, sample in samples.items() if title != subject)


def progress(text: str) -> None:
    """Tell on stderr what is being measured, so that stdout holds the result alone."""
    print(text, file=sys.stderr, flush=True)


def _trial(work: Work) -> int:
    """Return how many operations show how fast a server is; with many clients, some each."""
    return max(TRIAL_OPERATIONS, CLIENTS * work.pipeline * 4)
