"""Ports for the servers that tests start."""

from __future__ import annotations

import os
import socket
from itertools import count

PEER_PORT_OFFSET = 10_000
# Below what the kernel hands out by itself, and a range of its own for each test process.
_FIRST = 11_000
_RANGE = 1_000
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
_next = count(_FIRST + _WORKER * _RANGE + os.getpid() % (_RANGE // 2))


def free_port() -> int:
    """Return a port that is free now, and whose peer port is too."""
    for port in _next:
        assert port < _FIRST + (_WORKER + 1) * _RANGE, "no free port is left"
        if _is_free(port) and _is_free(port + PEER_PORT_OFFSET):
            return port
    raise AssertionError("a count never ends")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
