"""Ports for the servers that are measured."""

from __future__ import annotations

import socket

PEER_PORT_OFFSET = 10_000


def free_port() -> int:
    """Return a port that is free, and whose peer port is."""
    while True:
        with socket.socket() as probe, socket.socket() as peer_probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port + PEER_PORT_OFFSET > 65535:
                # Linux hands out ports from 32768 on; half of them leave room above.
                continue
            try:
                peer_probe.bind(("127.0.0.1", port + PEER_PORT_OFFSET))
            except OSError:
                continue
            return port
