"""How many reads find their key in a cache that is too small.

Each miss is followed by a write, as programs do that cache what a database tells them. All caches
have room for the same number of entries: as many as memcached holds in some whole pages; the
others are given what they account for so many.

What to know of the figures: redis-server's LRU reads a clock that moves once a second
(LRU_CLOCK_RESOLUTION in server.h), and a replay lasts some seconds. So its allkeys-lru sees less of
the order than it would in a day of the same traffic. Our allkeys-lru draws as it does, with a finer
clock, and so stands for what it would reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

from ..caches import ENTRIES, MEMCACHED_MIB, MemcachedCache, RespCache, replay
from ..load import progress
from ..programs import Program, memcached, memnode, redis_server
from ..report import Section
from ..servers import running
from ..traces import traces
from .options import Options

DEFAULT = "allkeys-s3fifo"
OURS = (DEFAULT, "allkeys-lfu", "allkeys-lru")
REDIS_POLICIES = ("allkeys-lfu", "allkeys-lru")

Ratios = dict[str, dict[str, float]]
"""Hit ratios from 0 to 1, by cache and by trace."""


def measure(section: Section, options: Options) -> None:
    """Replay all traces on all caches."""
    section.say(
        f"Reads that found their key, in per cent, with room for {ENTRIES:,} entries of 1000 bytes "
        f"in every cache, which are {MEMCACHED_MIB} MiB of memcached; each miss is followed by a "
        "write. redis-server's LRU clock moves once a second, too seldom for a replay of seconds; "
        "our allkeys-lru draws as it does, with a finer clock."
    )
    replayed = traces(ENTRIES)
    ours = _of_resp(memnode(), OURS, replayed)
    theirs = {} if redis_server().missing else _of_resp(redis_server(), REDIS_POLICIES, replayed)
    if not memcached().missing:
        theirs |= _of_memcached(replayed)
    for program in (redis_server(), memcached()):
        if program.missing:
            section.say(f"Not measured: {program.missing}.")
    _table(section, ours | theirs)
    _goals(section, ours, theirs)


def _of_resp(
    program: Program, policies: Sequence[str], replayed: Mapping[str, Sequence[bytes]]
) -> Ratios:
    found: Ratios = {}
    with running(program) as server, RespCache(server) as cache:
        for policy in policies:
            progress(f"hit ratios of {program.title} {policy}")
            row = found[f"{program.title} {policy}"] = {}
            for name, trace in replayed.items():
                cache.begin(policy)
                row[name] = replay(cache, trace)
    return found


def _of_memcached(replayed: Mapping[str, Sequence[bytes]]) -> Ratios:
    program = memcached()
    progress(f"hit ratios of {program.title}")
    row: dict[str, float] = {}
    for name, trace in replayed.items():
        # A fresh one each time: what it flushes it keeps until it needs the place.
        with (
            running(program, "-m", str(MEMCACHED_MIB)) as server,
            closing(server.connect()) as connection,
        ):
            row[name] = replay(MemcachedCache(connection), trace)
    return {program.title: row}


def _table(section: Section, ratios: Ratios) -> None:
    names = list(next(iter(ratios.values())))
    best = {name: max(row[name] for row in ratios.values()) for name in names}
    rows = section.table(["cache", *names])
    for title, row in ratios.items():
        cells = (
            f"**{100 * row[name]:.1f}**" if row[name] == best[name] else f"{100 * row[name]:.1f}"
            for name in names
        )
        rows.append([title, *cells])


def _goals(section: Section, ours: Ratios, theirs: Ratios) -> None:
    if not theirs:
        return
    for name, reached in next(iter(ours.values())).items():
        margin = 100 * (reached - max(row[name] for row in theirs.values()))
        what = f"{name}: hit ratio of {DEFAULT} less the best of the others, points"
        section.at_least(what, margin, 0.0, "{:.1f}")
