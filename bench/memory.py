"""What a key costs: how much a fresh server grows when it is filled."""

from __future__ import annotations

from .load import VALUE_BYTES
from .servers import BenchError, Server

_BATCH = 1000
_REPLY = b"+OK\r\n"


def bytes_per_key(server: Server, count: int) -> float:
    """Fill an empty server with keys of 16 bytes and values of 64; return its growth per key."""
    fill(server, _BATCH)  # what the first commands allocate once is no cost of the keys
    before = server.resident_bytes()
    fill(server, count, first=_BATCH)
    return (server.resident_bytes() - before) / count


def fill(server: Server, count: int, first: int = 0) -> None:
    """Set ``count`` keys in batches. Raises BenchError if the server refuses one."""
    value = b"v" * VALUE_BYTES
    with server.connect() as connection:
        for start in range(first, first + count, _BATCH):
            numbers = range(start, min(start + _BATCH, first + count))
            connection.sendall(b"".join(_set(number, value) for number in numbers))
            expected = _REPLY * len(numbers)
            received = b""
            while len(received) < len(expected):
                data = connection.recv(1 << 16)
                received += data
                if not data or not expected.startswith(received):
                    raise BenchError(f"{server.program.title} refused a SET: {received[-100:]!r}")


def _set(number: int, value: bytes) -> bytes:
    return b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%b\r\n" % (number, len(value), value)
