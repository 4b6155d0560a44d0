"""Keys with a copy on a second node: three nodes with ``--replicas 2``, and the same without.

Beside them a redis-server with a replica. It answers a write before the replica has it, so it
promises less; with us a write that is answered is on both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ..errors import BenchError
from ..load import CLIENTS, KEY, KEYS, VALUE, Target, Work, progress
from ..load import measure as measure_load
from ..pool import pool
from ..programs import redis_server
from ..report import Section, ratio
from ..servers import Server, running
from .options import Options

NODES = 3
COMMANDS = {"SET": ("SET", KEY, VALUE), "GET": ("GET", KEY)}
PIPELINES = (1, 16)
REPLICA_SECONDS_MAX = 30.0
_COPIED = "memnode, two copies"


def measure(section: Section, options: Options) -> None:
    """Measure keys with copies beside keys without, in turns."""
    with _servers(section) as targets:
        head = ["command", "pipeline", "servers", "operations/s", "p50 ms", "p99 ms"]
        rows = section.table([*head, "CPU µs/operation, all processes", "CPU ratio"], texts=3)
        for command, words in COMMANDS.items():
            for pipeline in PIPELINES:
                progress(f"{command} of keys with copies, pipeline {pipeline}")
                samples = measure_load(targets, Work(words, pipeline, 1.5), options.rounds)
                ours = samples[_COPIED]
                rows += [
                    [
                        command,
                        str(pipeline),
                        title,
                        f"{sample.operations_per_second:,.0f}",
                        f"{sample.p50_ms:.2f}",
                        f"{sample.p99_ms:.2f}",
                        f"{sample.cpu_us:.2f}",
                        ratio(ours.cpu_us, sample.cpu_us),
                    ]
                    for title, sample in samples.items()
                ]


@contextmanager
def _servers(section: Section) -> Iterator[list[Target]]:
    with ExitStack() as stack:
        copied = stack.enter_context(pool(["1gb"] * NODES, "--replicas", "2"))
        single = stack.enter_context(pool(["1gb"] * NODES))
        targets = [
            Target(_COPIED, copied[0].port, copied),
            Target("memnode, one copy", single[0].port, single),
        ]
        section.say(
            f"{CLIENTS} clients, {KEYS:,} random keys, {NODES} nodes, one of which they all ask; a "
            "third of the keys is its own. Redis answers a write before its replica has it. CPU is "
            "the sum over all processes that take part."
        )
        redis = redis_server()
        if redis.missing:
            section.not_measured("Redis with a replica", redis.missing)
        else:
            targets.append(_replicated(stack))
        for target in targets:
            with target.processes[0].client() as client:
                client.fill(range(KEYS), VALUE.encode())
        yield targets


def _replicated(stack: ExitStack) -> Target:
    first = stack.enter_context(running(redis_server()))
    second = stack.enter_context(
        running(redis_server(), "--replicaof", "127.0.0.1", str(first.port))
    )
    _wait_until_linked(second)
    return Target(f"{first.title} and a replica", first.port, [first, second])


def _wait_until_linked(replica: Server) -> None:
    deadline = time.monotonic() + REPLICA_SECONDS_MAX
    while replica.info()["master_link_status"] != "up":
        if time.monotonic() > deadline:
            raise BenchError("the replica of redis-server does not get its copy")
        time.sleep(0.1)
