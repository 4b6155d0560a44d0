"""A peer that stands still (SIGSTOP): what those feel who ask for keys of the others."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack

from ..client import request
from ..latency import CELLS, Latency, probing
from ..load import VALUE, progress
from ..pool import owner_of, pool
from ..report import Section, ratio
from ..servers import Server
from .options import Options

SECONDS = 5.0  # longer than a silent member is given: its slots move meanwhile
P50_TIMES_MAX = 1.25
P99_TIMES_MAX = 2.0
WAITING = 20
_BEFORE = "before"
_WHILE = "while it stands"


def measure(section: Section, options: Options) -> None:
    """Ask a gateway for its own keys and a peer's, before and while the other peer stands still."""
    progress("a peer that stands still")
    section.say(
        f"Three nodes. One asks the first for its own keys and for keys of the second, 1,000 times "
        f"a second each, for {SECONDS:.0f} s; then the third is stopped (SIGSTOP) while {WAITING} "
        f"clients wait for keys of it, for as long. The target is that nothing changes: p50 within "
        f"{P50_TIMES_MAX}, p99 within {P99_TIMES_MAX} times what it was."
    )
    with pool(["1gb"] * 3) as nodes:
        gateway, _, paused = nodes
        own, others, lost = (_key_of(gateway, node, nodes) for node in nodes)
        with (
            probing(gateway.port, "GET", own) as near,
            probing(gateway.port, "GET", others) as far,
            ExitStack() as stack,
        ):
            for probe in (near, far):
                probe.phase(_BEFORE)
            time.sleep(SECONDS)
            paused.send_signal(signal.SIGSTOP)
            for _ in range(WAITING):
                stack.enter_context(_waiting(gateway, lost))
            for probe in (near, far):
                probe.phase(_WHILE)
            time.sleep(SECONDS)
            found = {"keys of the gateway": near.result(), "keys of the second": far.result()}
            paused.send_signal(signal.SIGCONT)
    rows = section.table(["", "", *CELLS, "p99 ratio"], texts=2)
    for title, phases in found.items():
        before, meanwhile = phases[_BEFORE], phases[_WHILE]
        rows.append([title, _BEFORE, *before.cells(), ""])
        rows.append([title, _WHILE, *meanwhile.cells(), ratio(meanwhile.p99, before.p99)])
        _goals(section, title, before, meanwhile)


def _goals(section: Section, title: str, before: Latency, meanwhile: Latency) -> None:
    section.at_most(f"p50 of {title}, ratio", meanwhile.p50 / before.p50, P50_TIMES_MAX)
    section.at_most(f"p99 of {title}, ratio", meanwhile.p99 / before.p99, P99_TIMES_MAX)


def _key_of(gateway: Server, node: Server, nodes: Sequence[Server]) -> str:
    """Set and return a key that a node owns."""
    number = 0
    while owner_of(gateway, b"key:%d" % number, nodes) is not node:
        number += 1
    with gateway.client() as client:
        client.ask("SET", f"key:{number}", VALUE)
    return f"key:{number}"


def _waiting(gateway: Server, key: str) -> socket.socket:
    """Return a connection on which a key has been asked for."""
    connection = gateway.connect()
    connection.sendall(request("GET", key))
    return connection
