"""How long everybody waits while one client fills, flushes or empties the server."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..client import Client
from ..latency import CELLS, Latency, LatencyProbe, probing
from ..load import VALUE, progress
from ..programs import MEMNODE, Program, peers_and_us
from ..report import Section
from ..servers import Server, running
from .options import Options

KEYS = 1_000_000
KEYS_LARGE = 10_000_000
STALL_MS_MAX = 10.0
SETTLE_SECONDS = 1.0  # so that what goes on in the background is seen too
QUIET_SECONDS = 3.0
_BATCH = 100  # small, for a batch is a stall by itself
_QUIET = "quiet"
_MIB = 1 << 20


def measure(section: Section, options: Options) -> None:
    """Measure each server by itself."""
    count = KEYS_LARGE if options.large else KEYS
    section.say(
        f"1,000 PINGs a second on one connection, while another one sets {count:,} keys of 16 + "
        f"64 bytes, {_BATCH} in flight, flushes them, sets them again, deletes a quarter one by "
        "one and flushes the rest in the background. When a reply comes late, the PINGs that "
        "were due meanwhile count too. What the quiet server shows is the machine's."
    )
    rows = section.table(["server", "while", *CELLS], texts=2)
    for program in peers_and_us():
        if not program.missing:
            progress(f"stalls of {program.title}")
            rows += _measured(section, program, count)


def _measured(section: Section, program: Program, count: int) -> list[list[str]]:
    options = ["--memory", f"{max(1024, count * 500 // _MIB)}mb"]
    with running(program, *(options if program.name == MEMNODE else [])) as server:
        with probing(server.port, "PING") as probe, server.client() as client:
            for name, act in _acts(client, count).items():
                _phase(probe, name, act)
            found = probe.result()
        own = _own_figures(server)
    shown = {name: latency for name, latency in found.items() if not name.startswith("-")}
    if program.name == MEMNODE:
        _goals(section, shown)
        section.say(
            f"{program.title} says of its loop: {own}." if own else
            f"{program.title} publishes no figure of its own for the lag of its loop."
        )  # fmt: skip
    return [[program.title, name, *latency.cells()] for name, latency in shown.items()]


def _acts(client: Client, count: int) -> dict[str, Callable[[], object]]:
    """Return what is done, by the name of its phase; those with a dash are not shown."""
    numbers = range(count)

    def fill() -> None:
        client.fill(numbers, VALUE.encode(), batch=_BATCH)

    return {
        _QUIET: lambda: time.sleep(QUIET_SECONDS),
        "growing": fill,
        "FLUSHALL SYNC": lambda: client.ask("FLUSHALL", "SYNC"),
        "-fill again": fill,
        "deleting": lambda: client.delete_each(numbers[: count // 4], batch=_BATCH),
        "FLUSHALL ASYNC": lambda: client.ask("FLUSHALL", "ASYNC"),
    }


def _phase(probe: LatencyProbe, name: str, act: Callable[[], object]) -> None:
    probe.phase(name)
    act()
    time.sleep(SETTLE_SECONDS)


def _goals(section: Section, found: dict[str, Latency]) -> None:
    for name, latency in found.items():
        if name != _QUIET:
            section.at_most(f"longest stall while {name}, ms", latency.max, STALL_MS_MAX)


def _own_figures(server: Server) -> str:
    """Return what INFO says of the loop, if anything."""
    return ", ".join(f"{name} {value}" for name, value in server.info().items() if "loop" in name)
