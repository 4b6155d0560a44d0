"""The limit of memory: whether it holds while twice as much is written, and what evicting costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from memcloud.resp import ErrorReply

from ..client import parsed_info
from ..errors import BenchError
from ..load import KEY, Target, Work, progress, run_round
from ..programs import MEMNODE, Program, memnode, redis_server
from ..report import Section, ratio
from ..servers import Server, running
from .options import Options

LIMIT_MIB = 128
RSS_FACTOR = 1.15
RSS_SPARE_MIB = 64
VALUE_BYTES_MIN, VALUE_BYTES_MAX = 64, 4096
POLICIES = (
    "allkeys-s3fifo", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru",
    "volatile-lfu", "volatile-random", "volatile-ttl", "noeviction",
)  # fmt: skip
OURS_ALONE = "allkeys-s3fifo"
NO_EVICTION = "noeviction"
_OVER_BYTES_MAX = VALUE_BYTES_MAX + 512  # one value, its key and its entry
_MIB = 1 << 20
_BATCH = 40
_EVICTING_SETS = 40_000
# Near the mean of the values that the server is full of, so that each SET evicts one.
_EVICTING_VALUE = "v" * 970
_SEED = 1


@dataclass(frozen=True)
class Found:
    """What one server under one policy has shown."""

    used_bytes_max: int
    resident_bytes_max: int
    refused: int
    cpu_us: float  # per SET when full; nan under noeviction
    evictions_per_set: float


def measure(section: Section, options: Options) -> None:
    """Fill each server under each policy, then let redis-benchmark write to it."""
    section.say(
        f"A limit of {LIMIT_MIB} MiB; values of {VALUE_BYTES_MIN} to {VALUE_BYTES_MAX} bytes, "
        "small ones more often, until twice the limit is written, under `volatile-*` with "
        f"deadlines. `used_memory` is read from INFO after every {_BATCH} SETs, the process' "
        "memory likewise. CPU is then taken of SETs that each evict about one key. For "
        "`allkeys-s3fifo` redis-server runs `allkeys-lru`."
    )
    head = ["policy", "server", "most over the limit, bytes", "peak RSS MiB", "refused"]
    head += ["CPU µs/evicting SET", "evicted per SET", "CPU ratio"]
    rows = section.table(head, texts=2)
    ours: dict[str, Found] = {}
    for policy in POLICIES:
        progress(f"limit under {policy}")
        found = {program.title: _measured(program, policy) for program in _programs()}
        subject = ours[policy] = next(iter(found.values()))
        rows += [_row(policy, title, each, subject) for title, each in found.items()]
    over = max(found.used_bytes_max - LIMIT_MIB * _MIB for found in ours.values())
    what = "accounted bytes over the limit, worst policy"
    section.at_most(what, max(0, over), _OVER_BYTES_MAX, "{:,.0f}")
    resident_mib = max(found.resident_bytes_max for found in ours.values()) / _MIB
    limit_mib = RSS_FACTOR * LIMIT_MIB + RSS_SPARE_MIB
    section.at_most("peak RSS MiB, worst policy", resident_mib, limit_mib, "{:.0f}")


def _programs() -> Iterator[Program]:
    yield memnode()
    if not redis_server().missing:
        yield redis_server()


def _measured(program: Program, policy: str) -> Found:
    with running(program, *_flags(program, policy)) as server:
        used, resident, refused = _fill(server, policy)
        if policy == NO_EVICTION:
            return Found(used, resident, refused, math.nan, 0.0)
        before = int(server.info()["evicted_keys"])
        deadline = ("EX", "10000") if policy.startswith("volatile") else ()
        work = Work(("SET", KEY, _EVICTING_VALUE, *deadline), 16, keys=10_000_000)
        cpu_us = run_round(Target.of(server), work, _EVICTING_SETS).cpu_us
        evicted = int(server.info()["evicted_keys"]) - before
        return Found(used, resident, refused, cpu_us, evicted / _EVICTING_SETS)


def _flags(program: Program, policy: str) -> list[str]:
    if program.name == MEMNODE:
        return ["--memory", f"{LIMIT_MIB}mb", "--policy", policy]
    theirs = "allkeys-lru" if policy == OURS_ALONE else policy
    return ["--maxmemory", f"{LIMIT_MIB}mb", "--maxmemory-policy", theirs]


def _fill(server: Server, policy: str) -> tuple[int, int, int]:
    """Write twice the limit; return the most used and resident bytes, and how many were refused."""
    random, value = Random(_SEED), b"v" * VALUE_BYTES_MAX
    written = used = resident = refused = number = 0
    with server.client() as client:
        while written < 2 * LIMIT_MIB * _MIB:
            commands: list[list[str | bytes | int]] = []
            for _ in range(_BATCH):
                size = int(VALUE_BYTES_MIN * (VALUE_BYTES_MAX / VALUE_BYTES_MIN) ** random.random())
                command: list[str | bytes | int] = ["SET", b"key:%012d" % number, value[:size]]
                if policy.startswith("volatile"):
                    command += ["EX", random.randrange(10_000, 100_000)]
                commands.append(command)
                number += 1
                written += size + 16
            *replies, info = client.batch([*commands, ["INFO", "memory"]])
            refused += _refused(server, policy, replies)
            assert isinstance(info, bytes)
            used = max(used, int(parsed_info(info)["used_memory"]))
            resident = max(resident, server.resident_bytes())
    return used, resident, refused


def _refused(server: Server, policy: str, replies: Sequence[object]) -> int:
    errors = [reply for reply in replies if isinstance(reply, ErrorReply)]
    if errors and (policy != NO_EVICTION or not errors[0].text.startswith("OOM")):
        raise BenchError(f"{server.title} under {policy} refused a SET: {errors[0].text}")
    return len(errors)


def _row(policy: str, title: str, found: Found, subject: Found) -> list[str]:
    evicts = policy != NO_EVICTION
    return [
        policy,
        title,
        f"{found.used_bytes_max - LIMIT_MIB * _MIB:,}",
        f"{found.resident_bytes_max / _MIB:.0f}",
        f"{found.refused:,}",
        f"{found.cpu_us:.2f}" if evicts else "",
        f"{found.evictions_per_set:.2f}" if evicts else "",
        ratio(subject.cpu_us, found.cpu_us) if evicts else "",
    ]
