"""One round of load by redis-benchmark on one server, and the rounds of all of them interleaved.

Machines are noisy, and their noise comes in phases. So the servers take turns within each round,
and the median of the rounds counts. Processor time per operation is the steadiest figure of all.
"""

from __future__ import annotations

import csv
import io
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from .servers import BenchError, Server

CLIENTS = 50
KEYS = 100_000
VALUE_BYTES = 64
ROUND_SECONDS_MAX = 300
# About a second for a server written in C, and a few for one that is not.
OPERATIONS = {1: 40_000, 16: 200_000, 100: 400_000}
_KEY = "key:__rand_int__"  # redis-benchmark puts 12 digits in: 16 bytes
_VALUE = "v" * VALUE_BYTES

# In this order: SET and MSET make the keys that the others read.
WORK: dict[str, tuple[str, ...]] = {
    "PING": ("PING",),
    "SET": ("SET", _KEY, _VALUE),
    "GET": ("GET", _KEY),
    "SET EX": ("SET", _KEY, _VALUE, "EX", "1000"),
    "MSET (10 keys)": ("MSET", *(_KEY, _VALUE) * 10),
    "MGET (10 keys)": ("MGET", *(_KEY,) * 10),
    "EXISTS": ("EXISTS", _KEY),
    "EXPIRE": ("EXPIRE", _KEY, "1000"),
    "TTL": ("TTL", _KEY),
    "INCR": ("INCR", "counter:__rand_int__"),
    "APPEND": ("APPEND", "tail:__rand_int__", "x"),
    "DEL": ("DEL", _KEY),
}


@dataclass(frozen=True)
class Sample:
    """What one round, or the median of several, has shown."""

    operations_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float  # of the server, per operation


def measure(servers: list[Server], work: str, pipeline: int, rounds: int) -> dict[str, Sample]:
    """Return the median sample of each server, by its title."""
    samples: dict[str, list[Sample]] = {server.program.title: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            samples[server.program.title].append(run_round(server, work, pipeline))
    return {title: median(taken) for title, taken in samples.items()}


def run_round(server: Server, work: str, pipeline: int) -> Sample:
    """Put load on a server for about a second. Raises BenchError if redis-benchmark fails."""
    program = shutil.which("redis-benchmark")
    if program is None:
        raise BenchError("redis-benchmark is not installed: run scripts/install-test-tools.sh")
    count = operations_for(work, pipeline)
    command = [program, "-p", str(server.port), "-c", str(CLIENTS), "-P", str(pipeline)]
    command += ["-n", str(count), "-r", str(KEYS), "--csv", *WORK[work]]
    cpu_before = server.cpu_seconds()
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=ROUND_SECONDS_MAX, check=False
    )
    cpu_seconds = server.cpu_seconds() - cpu_before
    rows = [row for row in csv.reader(io.StringIO(done.stdout)) if len(row) == 8]
    if done.returncode != 0 or len(rows) < 2:
        raise BenchError(f"{server.program.title}, {work}: {done.stdout} {done.stderr}")
    _, rate, _, _, p50, _, p99, _ = rows[-1]
    return Sample(float(rate), float(p50), float(p99), cpu_seconds / count * 1e6)


def operations_for(work: str, pipeline: int) -> int:
    """Return how many operations make a round: fewer where each of them is ten."""
    nearest = min(OPERATIONS, key=lambda known: abs(known - pipeline))
    return OPERATIONS[nearest] // (5 if "10 keys" in work else 1)


def median(samples: Iterable[Sample]) -> Sample:
    """Return the median of each figure."""
    taken = list(samples)
    return Sample(
        statistics.median(sample.operations_per_second for sample in taken),
        statistics.median(sample.p50_ms for sample in taken),
        statistics.median(sample.p99_ms for sample in taken),
        statistics.median(sample.cpu_us for sample in taken),
    )


def progress(text: str) -> None:
    """Tell on stderr what is being measured, so that stdout holds the result alone."""
    print(text, file=sys.stderr, flush=True)
