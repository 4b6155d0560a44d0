"""Caches that are too small for what is asked of them: servers with room for so many entries."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from .errors import BenchError
from .servers import Server

ENTRIES = 3540  # of 1000 bytes; what memcached holds in 4 MiB, in pages of 885
MEMCACHED_MIB = 4
VALUE = b"v" * 1000
_BATCH = 10
_HIT = b"$%d\r\n" % len(VALUE)
_HIT_BYTES = len(_HIT) + len(VALUE) + 2
_MISS = b"$-1\r\n"
_GET = b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n"
_SET = b"*3\r\n$3\r\nSET\r\n$%d\r\n%b\r\n" + _HIT + VALUE + b"\r\n"
_STORED = b"STORED\r\n"


class Cache(Protocol):
    """Something to replay a trace on."""

    def read(self, keys: Sequence[bytes]) -> list[bool]:
        """Ask for keys; return which of them are there."""

    def write(self, keys: Sequence[bytes]) -> None:
        """Set keys to `VALUE`."""


class RespCache:
    """A server that speaks RESP, with as much memory as it takes for the entries."""

    def __init__(self, server: Server) -> None:
        self._client = server.client()
        self._ask("FLUSHALL")
        self._ask("CONFIG", "SET", "maxmemory", "0")
        keys = [b"key:%05d" % number for number in range(ENTRIES)]
        for start in range(0, ENTRIES, _BATCH):
            self.write(keys[start : start + _BATCH])
        self._limit = self._client.info()["used_memory"]

    def begin(self, policy: str) -> None:
        """Empty it and choose a policy."""
        self._ask("FLUSHALL")
        self._ask("CONFIG", "SET", "maxmemory", self._limit, "maxmemory-policy", policy)

    def read(self, keys: Sequence[bytes]) -> list[bool]:
        """See `Cache.read`."""
        self._client.socket.sendall(b"".join([_GET % (len(key), key) for key in keys]))
        return _hits(self._client.socket, len(keys))

    def write(self, keys: Sequence[bytes]) -> None:
        """See `Cache.write`."""
        self._client.send_sets([_SET % (len(key), key) for key in keys])

    def _ask(self, *words: str) -> None:
        self._client.ask(*words)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.close()


class MemcachedCache:
    """A memcached that was started with `MEMCACHED_MIB`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read(self, keys: Sequence[bytes]) -> list[bool]:
        """See `Cache.read`."""
        self._connection.sendall(b"get " + b" ".join(keys) + b"\r\n")
        data = self._until(b"END\r\n")
        return [b"VALUE %b " % key in data for key in keys]

    def write(self, keys: Sequence[bytes]) -> None:
        """See `Cache.write`."""
        head = b" 0 0 %d\r\n%b\r\n" % (len(VALUE), VALUE)
        self._connection.sendall(b"".join(b"set " + key + head for key in keys))
        expected = _STORED * len(keys)
        if (replies := self._until(_STORED, len(expected))) != expected:
            raise BenchError(f"memcached refused a value: {replies[:80]!r}")

    def _until(self, end: bytes, count: int = 0) -> bytes:
        """Return what comes until it ends so, and has at least so many bytes."""
        data = b""
        while len(data) < count or not data.endswith(end):
            more = self._connection.recv(1 << 16)
            if not more or more.startswith((b"ERROR", b"SERVER_ERROR")):
                raise BenchError(f"memcached: {more[:80]!r}")
            data += more
        return data


def replay(cache: Cache, trace: Sequence[bytes]) -> float:
    """Return the share of reads that found their key; each miss is followed by a write."""
    hits = 0
    for start in range(0, len(trace), _BATCH):
        keys = trace[start : start + _BATCH]
        there = cache.read(keys)
        hits += sum(there)
        missed = [key for key, is_there in zip(keys, there, strict=True) if not is_there]
        if missed:
            cache.write(missed)
    return hits / len(trace)


def _hits(connection: socket.socket, count: int) -> list[bool]:
    """Read the replies to GETs; return which of them have a value."""
    found: list[bool] = []
    data = b""
    while len(found) < count:
        more = connection.recv(1 << 16)
        if not more:
            raise BenchError("the server closed the connection")
        data += more
        position = 0
        while len(found) < count:
            if data.startswith(_MISS, position):
                position += len(_MISS)
                found.append(False)
            elif data.startswith(_HIT, position) and len(data) >= position + _HIT_BYTES:
                position += _HIT_BYTES
                found.append(True)
            elif data.startswith(b"-", position):
                raise BenchError(f"a GET was answered with {data[position:][:80]!r}")
            else:
                break
        data = data[position:]
    return found
