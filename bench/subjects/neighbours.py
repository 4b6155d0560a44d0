"""Small GETs on one connection, while another one moves values of 64 MiB through the server."""

from __future__ import annotations

import time

from ..helpers import helping
from ..latency import CELLS, Latency, probing
from ..load import VALUE, progress
from ..programs import peers_and_us, raw_sockets
from ..report import Section, ratio
from ..servers import Server, all_running, running
from .options import Options

STREAM_MIB = 64
PER_SECOND = 2000
SECONDS = 6.0
TIMES_QUIET_MAX = 2.0
_QUIET = "quiet"
_STREAM = "beside a stream"
_KEY = "small"


def measure(section: Section, options: Options) -> None:
    """Measure each server by itself, and ours beside a stream that does not go through it."""
    section.say(
        f"{PER_SECOND:,} GETs of 64 bytes a second on one connection for {SECONDS:.0f} s, then as "
        f"long while another client sets and gets values of {STREAM_MIB} MiB without a pause. In "
        "the last row the stream goes through a process beside memnode: what the machine alone "
        "adds, since client, stream and server share its cores."
    )
    head = ["server", "", *CELLS, "p99.9 ratio", "stream GiB/s"]
    rows = section.table(head, texts=2)
    with all_running(peers_and_us()) as servers, running(raw_sockets()) as beside:
        for server in servers:
            progress(f"small reads beside a stream: {server.title}")
            quiet, busy, speed = _measured(server, server.port)
            rows += _rows(server.title, quiet, busy, speed)
            if server is servers[0]:
                what = "p99.9 of small GETs beside a stream, ratio to quiet"
                section.at_most(what, busy.p999 / quiet.p999, TIMES_QUIET_MAX)
        progress("small reads beside a stream through another process")
        rows += _rows(f"{servers[0].title}, machine alone", *_measured(servers[0], beside.port))


def _measured(server: Server, stream_port: int) -> tuple[Latency, Latency, float]:
    """Return the latency without and with a stream, and the stream's GiB per second."""
    with server.client() as client:
        client.ask("SET", _KEY, VALUE)
    with probing(server.port, "GET", _KEY, per_second=PER_SECOND) as probe:
        probe.phase(_QUIET)
        time.sleep(SECONDS)
        with helping("streamer", stream_port, STREAM_MIB) as streamer:
            probe.phase("begin")
            time.sleep(1.0)  # until it has made its value and sends
            probe.phase(_STREAM)
            time.sleep(SECONDS)
            probe.phase("end")
            moved = streamer.result()
        found = probe.result()
    speed = moved["bytes"] / moved["seconds"] / (1 << 30)
    return found[_QUIET], found[_STREAM], speed


def _rows(title: str, quiet: Latency, busy: Latency, speed: float) -> list[list[str]]:
    return [
        [title, _QUIET, *quiet.cells(), "", ""],
        [title, _STREAM, *busy.cells(), ratio(busy.p999, quiet.p999), f"{speed:.2f}"],
    ]
