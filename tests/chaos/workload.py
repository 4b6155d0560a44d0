"""Clients on the machines of the cluster, each with the node beside it, and what they are told."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.histories import History, Kind

from .network import enter
from .servers import PORT, Server

CALL_TIMEOUT_S = 6.0
CONNECT_TIMEOUT_S = 0.5
PAUSE_S = 0.008
REDIRECTIONS_MAX = 5
# It is not typed.
connection_class: Any = redis.Connection

# The server may have run the command when it says this; all other errors mean that it has not.
UNSURE = ("UNKNOWN", "INTERNAL")

VALUES = [b"value:%d" % n for n in range(24)]
COUNTERS = [b"counter:%d" % n for n in range(8)]


@dataclass(frozen=True, slots=True)
class Sample:
    """How one call ended, for the figures."""

    host: int
    key: bytes
    kind: Kind
    called: float
    returned: float
    error: str  # empty if it was answered


class Client(threading.Thread):
    """Asks one thing after the other of the node on its machine."""

    def __init__(self, workload: Workload, server: Server, number: int, keys: list[bytes]) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self._workload = workload
        self._server = server
        self._number = number
        self._keys = keys
        self._random = Random(f"{workload.seed}/{number}")
        self._connections: dict[tuple[str, int], Any] = {}
        self._places: dict[bytes, tuple[str, int]] = {}  # what MOVED has told of a key

    def run(self) -> None:
        """Go on until the workload is over."""
        enter(self._server.host.namespace)
        count = 0
        while not self._workload.is_over.wait(PAUSE_S):
            count += 1
            key = self._random.choice(self._keys)
            if self._random.random() < 0.5:
                self._call(key, Kind.GET)
            elif key in COUNTERS:
                self._call(key, Kind.INCR, b"1")
            else:
                self._call(key, Kind.SET, b"%d-%d" % (self._number, count))
        self._disconnect()

    def _disconnect(self) -> None:
        for connection in self._connections.values():
            connection.disconnect()
        self._connections.clear()

    def _call(self, key: bytes, kind: Kind, argument: bytes = b"") -> None:
        place = self._places.get(key, ("127.0.0.1", PORT))
        connection = self._maybe_connection(place)
        if connection is None:
            self._places.pop(key, None)
            now = time.monotonic()
            self._workload.note(
                Sample(self._server.host.number, key, kind, now, now, "no connection")
            )
            self._workload.is_over.wait(0.05)
            return
        words = {Kind.GET: ["GET", key], Kind.SET: ["SET", key, argument],
                 Kind.INCR: ["INCRBY", key, argument]}[kind]  # fmt: skip
        called = time.monotonic()
        pending = self._workload.call(key, kind, argument)
        error = ""
        try:
            reply = self._ask(connection, key, words)
        except redis.ResponseError as refusal:
            error = str(refusal)
            is_unsure = kind is not Kind.GET and error.startswith(UNSURE)
            self._workload.end(pending, "lost" if is_unsure else "refused")
        except (redis.RedisError, OSError) as failure:
            error = type(failure).__name__
            self._workload.end(pending, "refused" if kind is Kind.GET else "lost")
            self._disconnect()
            self._places.pop(key, None)
        else:
            result = None if kind is Kind.SET else reply
            self._workload.end(pending, "answered", result)
        returned = time.monotonic()
        self._workload.note(Sample(self._server.host.number, key, kind, called, returned, error))

    def _ask(self, connection: Any, key: bytes, words: list[Any]) -> Any:
        """Return the reply of whoever has the key."""
        for _ in range(REDIRECTIONS_MAX):
            connection.send_command(*words)
            try:
                return connection.read_response()
            except redis.ResponseError as refusal:
                # redis-py takes the code of this error off its text.
                moved = getattr(refusal, "node_addr", None)
                if moved is None:
                    raise
                self._places[key] = moved
                following = self._maybe_connection(moved)
                if following is None:
                    raise redis.ResponseError("the owner cannot be reached") from refusal
                connection = following
        raise redis.ResponseError("sent from one node to the other")

    def _maybe_connection(self, place: tuple[str, int]) -> Any:
        """Return a connection to a server, None if it takes none."""
        connection = self._connections.get(place)
        if connection is None:
            connection = connection_class(
                host=place[0], port=place[1], socket_timeout=CALL_TIMEOUT_S,
                socket_connect_timeout=CONNECT_TIMEOUT_S, retry=Retry(NoBackoff(), 0),
            )  # fmt: skip
            try:
                connection.connect()
            except (redis.RedisError, OSError):
                return None
            self._connections[place] = connection
        return connection


class Workload:
    """Clients under way; a context manager that ends them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.is_over = threading.Event()
        self.samples: list[Sample] = []
        self.history = History(time.monotonic)
        self._lock = threading.Lock()
        self._clients: list[Client] = []

    def add_clients(self, server: Server, keys: list[bytes], count: int = 2) -> None:
        """Have clients beside a server that ask for these keys."""
        for _ in range(count):
            self._clients.append(Client(self, server, len(self._clients), keys))

    def call(self, key: bytes, kind: Kind, argument: bytes) -> Any:
        """Note a call."""
        with self._lock:
            return self.history.call(key, kind, argument)

    def end(self, pending: Any, how: str, *result: Any) -> None:
        """Note what came of it."""
        with self._lock:
            getattr(pending, how)(*result)

    def note(self, sample: Sample) -> None:
        """Keep what is measured."""
        self.samples.append(sample)

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.is_over.set()
        deadline = time.monotonic() + 4 * CALL_TIMEOUT_S
        for client in self._clients:
            client.join(max(0.0, deadline - time.monotonic()))
