"""The result as a page: one row for each server, and what memnode is to it."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psutil

from .hit_ratio import Ratios, hit_ratio_table
from .load import CLIENTS, KEYS, VALUE_BYTES, Sample


@dataclass
class Result:
    """Everything that one run has measured; the first title is the subject."""

    titles: list[str]
    rounds: int
    missing: list[str] = field(default_factory=list)
    load: dict[tuple[str, int], dict[str, Sample]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    hit_ratios: Ratios = field(default_factory=dict)


def page(result: Result) -> str:
    """Return the page in Markdown, which reads well on a terminal too."""
    ratios = ["", *hit_ratio_table(result.hit_ratios)] if result.hit_ratios else []
    return "\n".join([*_head(result), *_load_table(result), *_memory_table(result), *ratios, ""])


def _head(result: Result) -> Iterator[str]:
    subject = result.titles[0]
    yield "# Measurements"
    yield ""
    yield f"Taken {datetime.now(UTC):%Y-%m-%d} by `make bench` on: {machine()}."
    yield ""
    yield (
        f"All servers ran in the same run and took turns; each figure is the median of "
        f"{result.rounds} rounds of redis-benchmark with {CLIENTS} clients, {KEYS:,} random keys "
        f"of 16 bytes and values of {VALUE_BYTES}. CPU is the server's user and system time per "
        f"operation. The last two columns are {subject} divided by the row's server: more "
        f"throughput and less CPU are better."
    )
    for sentence in result.missing:
        yield ""
        yield f"Not measured: {sentence}."


def _load_table(result: Result) -> Iterator[str]:
    if not result.load:
        return
    yield ""
    yield "## Throughput, latency, CPU"
    yield ""
    yield (
        "| command | pipeline | server | operations/s | p50 ms | p99 ms | CPU µs/operation "
        "| throughput ratio | CPU ratio |"
    )
    yield "|---|---:|---|---:|---:|---:|---:|---:|---:|"
    for (work, pipeline), samples in result.load.items():
        subject = samples[result.titles[0]]
        for title in result.titles:
            sample = samples[title]
            yield (
                f"| {work} | {pipeline} | {title} | {sample.operations_per_second:,.0f} "
                f"| {sample.p50_ms:.2f} | {sample.p99_ms:.2f} | {sample.cpu_us:.2f} "
                f"| {ratio(subject.operations_per_second, sample.operations_per_second)} "
                f"| {ratio(subject.cpu_us, sample.cpu_us)} |"
            )


def _memory_table(result: Result) -> Iterator[str]:
    if not result.memory:
        return
    subject = result.memory[result.titles[0]]
    yield ""
    yield "## Memory"
    yield ""
    yield f"Growth of a fresh server per key of 16 bytes with a value of {VALUE_BYTES}."
    yield ""
    yield "| server | bytes per key | ratio |"
    yield "|---|---:|---:|"
    for title, size_bytes in result.memory.items():
        yield f"| {title} | {size_bytes:.0f} | {ratio(subject, size_bytes)} |"


def ratio(subject: float, other: float) -> str:
    """Return one figure divided by another, or a dash if there is nothing to divide by."""
    return f"{subject / other:.2f}x" if other > 0 else "-"


def machine() -> str:
    """Return what the figures depend on: processor, cores, memory, system, interpreter."""
    memory_gib = psutil.virtual_memory().total / (1 << 30)
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.release()}"
    return (
        f"{_processor()}, {psutil.cpu_count()} cores, {memory_gib:.0f} GiB, {system}, {interpreter}"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except FileNotFoundError:
        pass  # not Linux
    return platform.processor() or platform.machine()
