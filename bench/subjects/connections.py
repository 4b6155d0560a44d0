"""Ten thousand clients that do nothing: what each costs, and what one more feels of them."""

from __future__ import annotations

import resource
import time

from ..errors import BenchError
from ..helpers import helping
from ..latency import CELLS, probing
from ..load import progress
from ..programs import MEMNODE, Program, peers_and_us
from ..report import Section
from ..servers import Server, running
from .options import Options

CLIENTS = 10_000
BYTES_MAX = 8_000
P99_MS_MAX = 5.0
SECONDS = 5.0
_SPARE_FILES = 500
_PHASE = "with them"


def measure(section: Section, options: Options) -> None:
    """Measure each server by itself."""
    _raise_limit()
    section.say(
        f"Growth of the process by {CLIENTS:,} connections that each said PING once, per "
        f"connection; then 1,000 PINGs a second on one more for {SECONDS:.0f} s, and the CPU of "
        "the server meanwhile. What the kernel keeps for the sockets is not in it."
    )
    rows = section.table(["server", "bytes/connection", *CELLS, "CPU %"])
    for program in peers_and_us():
        if program.missing:
            continue
        progress(f"{CLIENTS} idle connections to {program.title}")
        flag = "--max-clients" if program.name == MEMNODE else "--maxclients"
        with running(program, flag, str(CLIENTS + 100)) as server:
            rows.append(_measured(section, program, server))


def _measured(section: Section, program: Program, server: Server) -> list[str]:
    before = server.resident_bytes()
    with (
        helping("idle", server.port, CLIENTS) as clients,
        probing(server.port, "PING") as probe,
    ):
        if clients.wait_for_line() != "ready":
            raise BenchError("the idle clients are not ready")
        each_bytes = (server.resident_bytes() - before) / CLIENTS
        probe.phase(_PHASE)
        cpu_before = server.cpu_seconds()
        time.sleep(SECONDS)
        cpu_share = (server.cpu_seconds() - cpu_before) / SECONDS
        latency = probe.result()[_PHASE]
        clients.result()
    if program.name == MEMNODE:
        section.at_most("bytes per idle connection", each_bytes, BYTES_MAX, "{:.0f}")
        section.at_most(f"PING p99 ms beside {CLIENTS:,} of them", latency.p99, P99_MS_MAX)
    return [program.title, f"{each_bytes:,.0f}", *latency.cells(), f"{100 * cpu_share:.1f}"]


def _raise_limit() -> None:
    """Let the servers, which inherit it, have enough files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CLIENTS + _SPARE_FILES
    if hard < wanted:
        raise BenchError(f"the hard limit of open files is {hard}; {wanted} are needed: ulimit -n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
