"""SET and GET of values from 1 to 512 MiB: how fast, for how much CPU, in how much memory."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..client import Client
from ..load import progress
from ..programs import REDIS, peers_and_us, raw_sockets
from ..report import Section, ratio
from ..servers import Server, all_running
from .options import Options

SIZES_MIB = (1, 16, 64, 256, 512)
MEASURED_MIB = 64  # where the targets are
TIMES_REDIS_MIN = 5.0
SHARE_OF_RAW_MIN = 0.8
PEAK_FACTOR = 1.25
PEAK_SPARE_MIB = 64
_KEY = b"large"
_MIB = 1 << 20
_SECONDS = 0.4  # of each sample at least, and
_ROUNDS = 3
_ROUNDS_OF_HUGE = 2  # from 256 MiB on, where redis-server takes seconds for each


@dataclass(frozen=True)
class Speed:
    """How fast values moved."""

    gib_per_second: float
    cpu_seconds_per_gib: float


@dataclass
class Found:
    """Everything about one server and one size."""

    set: Speed
    get: Speed
    peak_mib: float


def measure(section: Section, options: Options) -> None:
    """Measure all sizes on all servers, which take turns."""
    section.say(
        "One blocking client for all, which sends from and receives into its own memory. "
        "The raw sockets are a Python process that only moves bytes: `recv_into` a fresh buffer of "
        "the value's size, `sendall` of the kept one. The peak is the process' most memory during "
        f"the first SET and GET; the target is {PEAK_FACTOR} times the value and {PEAK_SPARE_MIB} "
        "MiB. CPU is of the server, in seconds per GiB."
    )
    found: dict[tuple[int, str], Found] = {}
    with all_running([*peers_and_us(), raw_sockets()]) as servers:
        for size_mib in SIZES_MIB:
            progress(f"values of {size_mib} MiB")
            for title, sample in _sizes(servers, size_mib).items():
                found[size_mib, title] = sample
        titles = [server.title for server in servers]
        redis = [server.title for server in servers if server.program.name == REDIS]
    _table(section, titles, found)
    _goals(section, titles, redis, found)


def _sizes(servers: list[Server], size_mib: int) -> dict[str, Found]:
    rounds = _ROUNDS_OF_HUGE if size_mib >= 256 else _ROUNDS
    value = memoryview(os.urandom(_MIB) * size_mib)
    into = memoryview(bytearray(len(value)))
    peaks = {server.title: _first(server, value, into) for server in servers}
    sets: dict[str, list[Speed]] = {server.title: [] for server in servers}
    gets: dict[str, list[Speed]] = {server.title: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            with server.client() as client:
                sets[server.title].append(_speed(server, value, _setter(client, value)))
                gets[server.title].append(_speed(server, value, _getter(client, into)))
    for server in servers[:-1]:  # the raw sockets cannot delete
        with server.client() as client:
            client.ask("DEL", _KEY)
    return {
        title: Found(_median(sets[title]), _median(gets[title]), peaks[title]) for title in peaks
    }


def _first(server: Server, value: memoryview, into: memoryview) -> float:
    """Set and get the value once; return the peak in MiB. What comes back must be the value."""
    server.forget_peak()
    with server.client() as client:
        client.set_large(_KEY, value)
        client.get_large(_KEY, into)
    assert into == value, f"{server.title} returned another value"
    return server.peak_bytes() / _MIB


def _setter(client: Client, value: memoryview) -> Callable[[], None]:
    return lambda: client.set_large(_KEY, value)


def _getter(client: Client, into: memoryview) -> Callable[[], None]:
    return lambda: client.get_large(_KEY, into)


def _speed(server: Server, value: memoryview, move: Callable[[], None]) -> Speed:
    cpu_before, began, count = server.cpu_seconds(), time.perf_counter(), 0
    while count == 0 or time.perf_counter() - began < _SECONDS:
        move()
        count += 1
    gib = count * len(value) / (1 << 30)
    seconds = time.perf_counter() - began
    return Speed(gib / seconds, (server.cpu_seconds() - cpu_before) / gib)


def _median(speeds: list[Speed]) -> Speed:
    return Speed(
        statistics.median(speed.gib_per_second for speed in speeds),
        statistics.median(speed.cpu_seconds_per_gib for speed in speeds),
    )


def _table(section: Section, titles: list[str], found: dict[tuple[int, str], Found]) -> None:
    head = ["value", "server", "SET GiB/s", "GET GiB/s", "SET ratio", "GET ratio"]
    rows = section.table([*head, "SET CPU s/GiB", "GET CPU s/GiB", "peak MiB"], texts=2)
    for (size_mib, title), sample in found.items():
        ours = found[size_mib, titles[0]]
        rows.append(
            [
                f"{size_mib} MiB",
                title,
                f"{sample.set.gib_per_second:.2f}",
                f"{sample.get.gib_per_second:.2f}",
                ratio(ours.set.gib_per_second, sample.set.gib_per_second),
                ratio(ours.get.gib_per_second, sample.get.gib_per_second),
                f"{sample.set.cpu_seconds_per_gib:.2f}",
                f"{sample.get.cpu_seconds_per_gib:.2f}",
                "" if title == titles[-1] else f"{sample.peak_mib:.0f}",
            ]
        )


def _goals(
    section: Section, titles: list[str], redis: list[str], found: dict[tuple[int, str], Found]
) -> None:
    subject, *_, raw = titles
    ours = found[MEASURED_MIB, subject]
    for what in ("set", "get"):
        speed = getattr(ours, what).gib_per_second
        for title in redis:
            theirs = getattr(found[MEASURED_MIB, title], what).gib_per_second
            name = f"{what.upper()} of {MEASURED_MIB} MiB: speed, ratio to redis-server"
            section.at_least(name, speed / theirs, TIMES_REDIS_MIN)
        for size_mib in SIZES_MIB:
            mine = getattr(found[size_mib, subject], what).gib_per_second
            floor = getattr(found[size_mib, raw], what).gib_per_second
            name = f"{what.upper()} of {size_mib} MiB: speed, share of raw sockets"
            section.at_least(name, mine / floor, SHARE_OF_RAW_MIN)
    for title in redis:
        _bound(section, found[MEASURED_MIB, raw], found[MEASURED_MIB, title])
    for size_mib in SIZES_MIB:
        peak_mib = found[size_mib, subject].peak_mib
        limit_mib = PEAK_FACTOR * size_mib + PEAK_SPARE_MIB
        section.at_most(f"peak MiB with a value of {size_mib} MiB", peak_mib, limit_mib, "{:.0f}")


def _bound(section: Section, raw: Found, redis: Found) -> None:
    sets = raw.set.gib_per_second / redis.set.gib_per_second
    gets = raw.get.gib_per_second / redis.get.gib_per_second
    section.say(
        f"At {MEASURED_MIB} MiB raw sockets themselves reach {sets:.2f} times the speed of "
        f"redis-server's SET and {gets:.2f} times that of its GET: about the most that a server on "
        "sockets could."
    )
