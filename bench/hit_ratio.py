"""How many reads find their key in a cache that is too small: `python -m bench.hit_ratio`.

Each miss is followed by a write, as programs do that cache what a database tells them. All caches
have room for the same number of entries. Our policies are measured on the store in this process,
with a clock that moves a millisecond for each batch of requests; redis-server is asked over a
socket, in the same batches.

What to know of the figures: redis-server's LRU reads a clock that moves once a second
(LRU_CLOCK_RESOLUTION in server.h), and a replay lasts some seconds. So its allkeys-lru sees less of
the order than it would in a day of the same traffic. Our allkeys-lru draws as it does, by
the millisecond, and so stands for what it would reach.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from random import Random
from typing import Protocol

from memcloud.resp import Decoder, Reply, encode
from memcloud.resp.decoder import INCOMPLETE
from memcloud.store import Policy, Store
from memcloud.store.sizes import ENTRY_BYTES
from tests.manual_clock import ManualClock

from .load import progress
from .servers import BenchError, Program, Server, programs, running
from .traces import traces

ENTRIES = 2000
VALUE = b"v" * 1000
BATCH = 10
KEY_BYTES = 8  # of the keys in the traces, on the mean
OURS = (Policy.ALLKEYS_S3FIFO, Policy.ALLKEYS_LFU, Policy.ALLKEYS_LRU, Policy.ALLKEYS_RANDOM)
REDIS_POLICIES = ("allkeys-lfu", "allkeys-lru")

Ratios = dict[str, dict[str, float]]
"""Hit ratios from 0 to 1, by cache and by trace."""


class Cache(Protocol):
    """Something to replay a trace on."""

    def read(self, keys: Sequence[bytes]) -> list[bool]:
        """Ask for keys; return which of them are there."""

    def write(self, keys: Sequence[bytes]) -> None:
        """Set keys to `VALUE`."""


class StoreCache:
    """The store of a node under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._clock = ManualClock()
        self._store = Store(
            self._clock,
            Random(1),
            limit_bytes=ENTRIES * (ENTRY_BYTES + KEY_BYTES + len(VALUE)),
            policy=policy,
            databases=1,
        )

    def read(self, keys: Sequence[bytes]) -> list[bool]:
        """See `Cache.read`; a millisecond passes."""
        self._clock.advance(1)
        return [self._store.databases[0].get(key) is not None for key in keys]

    def write(self, keys: Sequence[bytes]) -> None:
        """See `Cache.write`."""
        for key in keys:
            self._store.make_room()
            self._store.databases[0].set(key, VALUE)


class RedisCache:
    """A redis-server with as much memory as it takes for the entries."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._decoder = Decoder()
        keys = [b"key:%04d" % number for number in range(ENTRIES)]
        for start in range(0, ENTRIES, BATCH):
            self.write(keys[start : start + BATCH])
        (info,) = self.run([[b"INFO", b"memory"]])
        assert isinstance(info, bytes)
        found = re.search(rb"used_memory:(\d+)", info)
        assert found is not None
        self._limit = found[1]

    def begin(self, policy: str) -> None:
        """Empty it and choose a policy."""
        words = [b"maxmemory", self._limit, b"maxmemory-policy", policy.encode()]
        self.run([[b"FLUSHALL"], [b"CONFIG", b"SET", *words]])

    def read(self, keys: Sequence[bytes]) -> list[bool]:
        """See `Cache.read`."""
        return [reply is not None for reply in self.run([[b"GET", key] for key in keys])]

    def write(self, keys: Sequence[bytes]) -> None:
        """See `Cache.write`."""
        if any(reply != "OK" for reply in self.run([[b"SET", key, VALUE] for key in keys])):
            raise BenchError("redis-server refused a SET")

    def run(self, commands: Sequence[Sequence[bytes]]) -> list[Reply]:
        """Send commands in one go and return their replies."""
        self._connection.sendall(b"".join(encode(list(command), 2) for command in commands))
        replies: list[Reply] = []
        while len(replies) < len(commands):
            reply = self._decoder.take()
            if reply is not INCOMPLETE:
                replies.append(reply)
            elif data := self._connection.recv(1 << 16):
                self._decoder.feed(data)
            else:
                raise BenchError("redis-server closed the connection")
        return replies


def measure_hit_ratios(servers: Sequence[Program]) -> Ratios:
    """Replay all traces on all caches, on redis-server if it is among the servers."""
    found: Ratios = {}
    replayed = traces(ENTRIES)
    for policy in OURS:
        progress(f"hit ratios of {policy}")
        found[f"memcloud {policy}"] = {
            name: replay(StoreCache(policy), trace) for name, trace in replayed.items()
        }
    for program in servers:
        if program.name == "redis-server":
            with running(program) as server:
                found |= _of_redis(server, replayed)
    return found


def replay(cache: Cache, trace: Sequence[bytes]) -> float:
    """Return the share of reads that found their key."""
    hits = 0
    for start in range(0, len(trace), BATCH):
        keys = trace[start : start + BATCH]
        there = cache.read(keys)
        hits += sum(there)
        missed = [key for key, is_there in zip(keys, there, strict=True) if not is_there]
        if missed:
            cache.write(missed)
    return hits / len(trace)


def hit_ratio_table(ratios: Ratios) -> Iterator[str]:
    """Yield the lines of the table, the best of each trace in bold."""
    names = list(next(iter(ratios.values())))
    best = {name: max(row[name] for row in ratios.values()) for name in names}
    yield "## Hit ratios"
    yield ""
    yield (
        f"Reads that found their key, in per cent, with room for {ENTRIES:,} entries; each miss "
        "is followed by a write. redis-server's LRU clock moves once a second, too seldom for a "
        "replay of seconds; our allkeys-lru draws as it does, by the millisecond."
    )
    yield ""
    yield f"| cache | {' | '.join(names)} |"
    yield "|---|" + "---:|" * len(names)
    for title, row in ratios.items():
        cells = (
            f"**{100 * row[name]:.1f}**" if row[name] == best[name] else f"{100 * row[name]:.1f}"
            for name in names
        )
        yield f"| {title} | {' | '.join(cells)} |"


def _of_redis(server: Server, replayed: Mapping[str, Sequence[bytes]]) -> Ratios:
    found: Ratios = {}
    with closing(server.connect()) as connection:
        cache = RedisCache(connection)
        for policy in REDIS_POLICIES:
            progress(f"hit ratios of redis-server {policy}")
            row = found[f"{server.program.title} {policy}"] = {}
            for name, trace in replayed.items():
                cache.begin(policy)
                row[name] = replay(cache, trace)
    return found


def main() -> int:
    """Measure and print the table; return the exit code."""
    try:
        print("\n".join(hit_ratio_table(measure_hit_ratios(programs()))))
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
