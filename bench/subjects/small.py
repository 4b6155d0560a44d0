"""GET and SET of 64 bytes, by 50 clients, without and with pipelines."""

from __future__ import annotations

from collections.abc import Sequence

from ..load import (
    CLIENTS,
    KEY,
    KEYS,
    VALUE,
    VALUE_BYTES,
    Sample,
    Target,
    Work,
    best_peer_cpu_us,
    progress,
)
from ..load import measure as measure_load
from ..programs import peers_and_us
from ..report import Section, ratio
from ..servers import Server, all_running
from .options import Options

COMMANDS = {"SET": ("SET", KEY, VALUE), "GET": ("GET", KEY)}
# Pipelines, and what memnode's CPU may be of the better of the others.
TARGETS = {1: 1.0, 16: 0.8, 100: 0.6}
HEAD = (
    "command", "pipeline", "server", "operations/s", "p50 ms", "p99 ms", "CPU µs/operation",
    "throughput ratio", "CPU ratio",
)  # fmt: skip


def _measure(section: Section, servers: Sequence[Server], rounds: int) -> None:
    """Measure servers that run, the first of them ours."""
    targets = [Target.of(server) for server in servers]
    subject = targets[0].title
    for server in servers:
        with server.client() as client:
            client.fill(range(KEYS), VALUE.encode())
    rows = section.table(HEAD, texts=3)
    for command, words in COMMANDS.items():
        for pipeline, limit in TARGETS.items():
            progress(f"{command}, pipeline {pipeline}")
            samples = measure_load(targets, Work(words, pipeline, seconds=1.5), rounds)
            rows += load_rows([command, str(pipeline)], samples, subject)
            if len(samples) > 1:
                cpu_ratio = samples[subject].cpu_us / best_peer_cpu_us(samples, subject)
                what = f"{command}, pipeline {pipeline}: CPU, ratio to the better of the others"
                section.at_most(what, cpu_ratio, limit)


def load_rows(first: Sequence[str], samples: dict[str, Sample], subject: str) -> list[list[str]]:
    """Return a row for each server, with our ratio to it."""
    ours = samples[subject]
    return [
        [
            *first,
            title,
            f"{sample.operations_per_second:,.0f}",
            f"{sample.p50_ms:.2f}",
            f"{sample.p99_ms:.2f}",
            f"{sample.cpu_us:.2f}",
            ratio(ours.operations_per_second, sample.operations_per_second),
            ratio(ours.cpu_us, sample.cpu_us),
        ]
        for title, sample in samples.items()
    ]


def measure(section: Section, options: Options) -> None:
    """Start the servers and measure them."""
    section.say(
        f"The median of {options.rounds} rounds of redis-benchmark in which the servers take turns:"
        f" {CLIENTS} clients, {KEYS:,} random keys of 16 bytes, values of {VALUE_BYTES}."
    )
    with all_running(peers_and_us()) as servers:
        _measure(section, servers, options.rounds)
