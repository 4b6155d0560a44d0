"""What a key costs, and what comes back when nine of ten keys are deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

from ..client import Client, batches
from ..errors import BenchError
from ..load import VALUE, VALUE_BYTES, progress
from ..programs import MEMCACHED, MEMNODE, Program, memcached, peers_and_us
from ..report import Section, ratio
from ..servers import Server, running
from .options import Options

KEYS = 1_000_000
KEYS_LARGE = 10_000_000
BYTES_PER_KEY_MAX = 105
LIVE_SHARE = 0.1
TIMES_LIVE_MAX = 2.0
LOOKS_S = (1, 10, 60)  # after the deletes
_WARM_UP = 1000  # what the first commands allocate once is no cost of the keys
_SEED = 1
_KEYS_PER_DELETE = 100
_MIB = 1 << 20


@dataclass
class Found:
    """What one server has shown."""

    bytes_per_key: float
    empty_bytes: int
    deleted_at: float = 0.0
    later_bytes: dict[int, int] = field(default_factory=dict)  # by seconds after the deletes


def measure(section: Section, options: Options) -> None:
    """Fill each server, delete, and look again later; memcached, which keeps its pages, only fill.

    All of them stay, so that the last minute passes for all at once.
    """
    count = KEYS_LARGE if options.large else KEYS
    found: dict[str, Found] = {}
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for program in [*peers_and_us(), memcached()]:
            if program.missing:
                section.say(f"Not measured: {program.missing}.")
                continue
            progress(f"memory of {program.title}")
            server = stack.enter_context(running(program, *_room(program, count)))
            servers[program.title] = server
            found[program.title] = _filled(server, count)
            if program.name != MEMCACHED:
                _delete(server, count)
                _look(found[program.title], server, LOOKS_S[:-1])
        for title, server in servers.items():
            if found[title].deleted_at:
                _look(found[title], server, LOOKS_S[-1:])
    _tell_bytes_per_key(section, found, count)
    _tell_deletes(section, found, count)


def _room(program: Program, count: int) -> list[str]:
    """Return the flags that let a server take so many keys; by itself redis-server has no limit."""
    size_mib = max(1024, count * 500 // _MIB)
    return {MEMNODE: ["--memory", f"{size_mib}mb"], MEMCACHED: ["-m", str(size_mib)]}.get(
        program.name, []
    )


def _filled(server: Server, count: int) -> Found:
    fill = _fill_memcached if server.program.name == MEMCACHED else _fill
    fill(server, range(_WARM_UP))
    empty_bytes = server.resident_bytes()
    fill(server, range(_WARM_UP, _WARM_UP + count))
    return Found((server.resident_bytes() - empty_bytes) / count, empty_bytes)


def _fill(server: Server, numbers: range) -> None:
    with server.client() as client:
        client.fill(numbers, VALUE.encode())


def _fill_memcached(server: Server, numbers: range) -> None:
    stored = b"STORED\r\n"
    with server.connect() as connection:
        for part in batches(numbers, 1000):
            texts = (
                b"set key:%012d 0 0 %d\r\n%b\r\n" % (n, VALUE_BYTES, VALUE.encode()) for n in part
            )
            connection.sendall(b"".join(texts))
            received = b""
            while len(received) < len(stored) * len(part):
                data = connection.recv(1 << 16)
                received += data
                if not data or not received.startswith(stored):
                    raise BenchError(f"memcached refused a value: {received[:100]!r}")


def _delete(server: Server, count: int) -> None:
    numbers = list(range(_WARM_UP, _WARM_UP + count))
    Random(_SEED).shuffle(numbers)
    with server.client() as client:
        for batch in _delete_batches(numbers[: int(count * (1 - LIVE_SHARE))]):
            _expect_all_deleted(client, batch)


def _delete_batches(numbers: list[int]) -> Iterator[list[list[str | bytes | int]]]:
    """Yield batches of DEL commands."""
    step = 10 * _KEYS_PER_DELETE
    for start in range(0, len(numbers), step):
        part = numbers[start : start + step]
        yield [
            ["DEL", *(b"key:%012d" % number for number in part[first : first + _KEYS_PER_DELETE])]
            for first in range(0, len(part), _KEYS_PER_DELETE)
        ]


def _expect_all_deleted(client: Client, batch: list[list[str | bytes | int]]) -> None:
    for command, reply in zip(batch, client.batch(batch), strict=True):
        if reply != len(command) - 1:
            raise BenchError(f"DEL of {len(command) - 1} keys was answered with {reply!r}")


def _look(found: Found, server: Server, seconds: tuple[int, ...]) -> None:
    """Note the memory at some times after the deletes, which end now at the first call."""
    found.deleted_at = found.deleted_at or time.monotonic()
    for after_s in seconds:
        time.sleep(max(0.0, found.deleted_at + after_s - time.monotonic()))
        found.later_bytes[after_s] = server.resident_bytes()


def _tell_bytes_per_key(section: Section, found: dict[str, Found], count: int) -> None:
    subject = next(iter(found.values())).bytes_per_key
    section.say(
        f"Growth of a fresh process by {count:,} keys of 16 bytes with values of {VALUE_BYTES}."
    )
    section.table(["server", "bytes per key", "ratio"]).extend(
        [title, f"{each.bytes_per_key:.0f}", ratio(subject, each.bytes_per_key)]
        for title, each in found.items()
    )
    section.at_most("bytes per key of 16 B + 64 B", subject, BYTES_PER_KEY_MAX, "{:.0f}")


def _tell_deletes(section: Section, found: dict[str, Found], count: int) -> None:
    section.say(
        f"Then {1 - LIVE_SHARE:.0%} of them are deleted, at random. The live data is what the rest "
        "took when all were there. The figures are the process' growth since it was empty, in MiB "
        "and as a multiple of the live data."
    )
    rows = section.table(["server", "full", "live data", *(f"after {s} s" for s in LOOKS_S)])
    for number, (title, each) in enumerate(found.items()):
        if not each.later_bytes:
            continue
        live = each.bytes_per_key * count * LIVE_SHARE
        grown = {after: kept - each.empty_bytes for after, kept in each.later_bytes.items()}
        cells = [f"{kept / _MIB:.0f} ({kept / live:.1f}x)" for kept in grown.values()]
        rows.append([title, f"{live * 10 / _MIB:.0f}", f"{live / _MIB:.0f}", *cells])
        if number == 0:
            times = grown[LOOKS_S[-1]] / live
            what = f"memory {LOOKS_S[-1]} s after deleting {1 - LIVE_SHARE:.0%}, multiple of live"
            section.at_most(what, times, TIMES_LIVE_MAX)
