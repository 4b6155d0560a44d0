"""Plain connections to real nodes, and what nodes take of the machine."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import psutil

from memcloud.ring import key_slot
from tests.memnode_process import MemnodeProcess

MIB = 1 << 20


def connect(port: int) -> socket.socket:
    """Return a plain connection to a port of a node."""
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def resident_bytes(node: MemnodeProcess) -> int:
    """Return the memory of a node's process."""
    return int(psutil.Process(node.pid).memory_info().rss)


def forget_peak(node: MemnodeProcess) -> None:
    """Let `peak_bytes` begin anew."""
    Path(f"/proc/{node.pid}/clear_refs").write_text("5")


def peak_bytes(node: MemnodeProcess) -> int:
    """Return the most memory that a node's process has had."""
    for line in Path(f"/proc/{node.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the system does not tell")


def owners(client: Any) -> dict[int, int]:
    """Return the client port of the owner of each slot."""
    rows = client.execute_command("CLUSTER SLOTS")
    return {slot: owner[1] for low, high, owner in rows for slot in range(low, high + 1)}


def key_of(node: MemnodeProcess, prefix: str = "k") -> str:
    """Return a key that a node owns."""
    ports = owners(node.client())
    return next(
        key
        for key in (f"{prefix}{number}" for number in range(10_000))
        if ports[key_slot(key.encode())] == node.port
    )
