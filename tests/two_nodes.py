"""A node with native sessions and one without, sent the same: all that can be seen must be equal.

The native one is behind a connection of `memcloud.net` whose transport is a list, so that bytes
arrive where they do from a socket. Both have the same clock and store nothing at the beginning of
each comparison, which therefore depends on its arrivals alone. (Without native modules a readable
node stands beside itself.)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from time import process_time
from typing import Final

import pytest

import memcloud.node
from memcloud.effects import CloseClient, ToClient
from memcloud.host import FixedHost
from memcloud.net.clients import ClientProtocol, ClientSockets
from memcloud.node import Node
from memcloud.session import Session
from memcloud.settings import Settings
from memcloud.store import Keyspace, Policy
from memcloud.store import store as readable

from .manual_clock import ManualClock

MEMORY_BYTES: Final = 1 << 30
UNIX_MS: Final = 1_700_000_000_000
CLIENT: Final = 1
_ID_BITS: Final = 160
_DATABASES: Final = 2
# What even a slow machine copies: 1,000 values of 64 KiB in one reply are no hang.
_COPIED_BYTES_PER_SECOND: Final = 250_000_000
# As they are at the beginning, of those that `requests.py` changes.
_PARAMETERS: Final = [
    ("maxmemory", str(MEMORY_BYTES)),
    ("maxmemory-policy", Policy.ALLKEYS_S3FIFO.value),
    ("requirepass", ""),
    ("timeout", "0"),
]


@dataclass(frozen=True)
class Arrival:
    """Some bytes from the client, and the time that passes behind them."""

    data: bytes
    pause_ms: int = 0


class _Chance(Random):
    """Gives nodes of either kind the same ids, though their stores draw differently before that."""

    _ids = 0

    def getrandbits(self, k: int, /) -> int:
        """See `Random.getrandbits`."""
        if k != _ID_BITS:
            return super().getrandbits(k)
        self._ids += 1
        return self._ids


class ListTransport(asyncio.Transport):
    """Hands on what it is given; nothing waits in it."""

    def __init__(self, received: list[bytes], **extra: object) -> None:
        super().__init__(extra)
        self._received = received
        self._is_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See `asyncio.Transport.write`."""
        self._received.append(bytes(data))

    def is_closing(self) -> bool:
        """See `asyncio.Transport.is_closing`."""
        return self._is_closing

    def close(self) -> None:
        """See `asyncio.Transport.close`."""
        self._is_closing = True

    def get_write_buffer_size(self) -> int:
        """See `asyncio.Transport.get_write_buffer_size`."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See `asyncio.Transport.set_write_buffer_limits`."""

    def pause_reading(self) -> None:
        """See `asyncio.Transport.pause_reading`."""

    def resume_reading(self) -> None:
        """See `asyncio.Transport.resume_reading`."""


class Side:
    """A node with one client at a time, and what that one got to read."""

    session: Session
    is_closed = False
    has_stalled = False

    def __init__(self) -> None:
        self.clock = ManualClock()
        settings = Settings("node", memory_bytes=MEMORY_BYTES, databases=_DATABASES)
        self.node = Node(settings, self.clock, _Chance(1), FixedHost())
        self.received: list[bytes] = []
        # In what sizes the client's bytes were taken, or are to be: buffers differ, and what has
        # arrived at a time can be seen in what is counted.
        self.sizes: deque[int] = deque()

    def open(self) -> None:
        """Connect the client."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        """Let bytes of the client arrive."""
        raise NotImplementedError

    def carry_out(self) -> None:
        """Do what the node asks for."""
        raise NotImplementedError

    def take_replies(self) -> bytes:
        """Let the node end its work and return what the client got to read since the last time."""
        while self.node.clients.has_work:
            self.node.clients.run_turn()
            self.carry_out()
        data = b"".join(self.received)
        self.received.clear()
        return data

    def answers(self, arrivals: Sequence[Arrival]) -> list[tuple[bytes, bool]]:
        """Return what the client gets to read after each arrival, and whether it is cut off."""
        self.open()
        answers = []
        for arrival in arrivals:
            self.send(arrival.data)
            self.has_stalled |= self.session.is_stalled
            replies = self.take_replies()
            if arrival.pause_ms:
                self.clock.advance(arrival.pause_ms)
                self.node.tick()
                self.carry_out()
                replies += self.take_replies()
            answers.append((replies, self.is_closed))
        return answers

    def forget(self, known: Sequence[bytes]) -> None:
        """End the session and make the node as it was when it was new, but for the steady clock.

        Keys are deleted one by one since the first one after a flush costs a native store more than
        many do. So its segments fill up, and are emptied as in use.
        """
        node = self.node
        self.has_stalled = False
        node.clients.closed(self.session.id)
        node.clients.unpause_all()
        for keys in node.store.databases:
            for key in _names(keys, known):
                keys.delete(key)
        if "config|set" in node.stats.commands:
            node.parameters.change(_PARAMETERS)
        self.clock.advance(1000)  # what is looked at once in so long is due again
        self.clock.set_unix_ms(UNIX_MS)
        node.stats.reset()
        node.store.reset_statistics()


class NativeSide(Side):
    """A client of a native session, if there are any, behind a transport."""

    protocol_type = ClientProtocol
    _transport: ListTransport | None = None

    def __init__(self) -> None:
        super().__init__()
        self._sockets = ClientSockets(self.node, self.carry_out)

    def open(self) -> None:
        """See `Side.open`."""
        self._protocol = self.protocol_type(self._sockets, CLIENT)
        self._transport = ListTransport(self.received)
        self._protocol.connection_made(self._transport)
        self.session = self.node.sessions[CLIENT]

    def send(self, data: bytes) -> None:
        """See `Side.send`."""
        position = 0
        while position < len(data):
            place = memoryview(self._protocol.get_buffer(-1))
            size = min(len(place), len(data) - position)
            place[:size] = data[position : position + size]
            position += size
            self.sizes.append(size)
            self._protocol.buffer_updated(size)

    def carry_out(self) -> None:
        """See `Side.carry_out`."""
        for effect in self.node.take_effects():
            match effect:
                case ToClient(number, data):
                    self._sockets.write(number, data)
                case CloseClient(number):
                    self._sockets.close_one(number)
        self.is_closed = self._transport is not None and self._transport.is_closing()


@contextmanager
def readable_parts() -> Iterator[None]:
    """Have nodes made without a native session and store meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memcloud.node, "new_engine", lambda *arguments: None)
        patch.setattr(memcloud.node, "Store", readable.Store)
        yield


class ReadableSide(Side):
    """A client of a readable session."""

    def __init__(self) -> None:
        with readable_parts():
            super().__init__()

    def open(self) -> None:
        """See `Side.open`."""
        self.is_closed = False
        session = self.node.clients.opened(CLIENT, address="", local_address="")
        assert session is not None
        self.session = session

    def send(self, data: bytes) -> None:
        """See `Side.send`."""
        position = 0
        while position < len(data):
            size = self.sizes.popleft()
            self.node.clients.received(CLIENT, data[position : position + size])
            position += size
            self.carry_out()

    def carry_out(self) -> None:
        """See `Side.carry_out`."""
        for effect in self.node.take_effects():
            match effect:
                case ToClient(_, data):
                    self.received.append(data)
                case CloseClient(_):
                    self.is_closed = True


def _entries(side: Side, known: Sequence[bytes]) -> list[list[object]]:
    """Return what is known of each key, in each database.

    The keys are looked for by name first, since a native store looks for all of them for long.
    Accesses are counted alike for as long as the policy is the same.
    """
    store = side.node.store
    has_switched = store.policy is not Policy.ALLKEYS_S3FIFO
    return [
        [
            (key, keys.peek(key), keys.deadline_ms(key), keys.retention(key))
            + ((0,) if has_switched else (keys.frequency(key),))
            for key in sorted(_names(keys, known))
        ]
        for keys in store.databases
    ]


def _names(keys: Keyspace, known: Sequence[bytes]) -> list[bytes]:
    if not len(keys):
        return []
    found = [key for key in known if key in keys]
    return found if len(found) == len(keys) else list(keys.keys())


def observed(side: Side, known: Sequence[bytes]) -> dict[str, object]:
    """Return all that a client could find out, in a form that can be compared."""
    stats, store, session = side.node.stats, side.node.store, side.session
    traffic = session.traffic
    return {
        "entries": _entries(side, known),
        "accesses": (store.hits, store.misses, store.expired_keys, store.evicted_keys),
        "calls": {
            name: (counted.calls, counted.rejected, counted.failed)
            for name, counted in stats.commands.items()
        },
        "errors": (stats.errors, stats.protocol_errors),
        "commands": (stats.commands_processed, traffic.commands_processed),
        "forwarded": (stats.forwarded_out, stats.forwarded_in, stats.forwarded_failed),
        "sent": (stats.bytes_sent, traffic.bytes_sent),
        "received": (stats.bytes_received, traffic.bytes_received),
        # While it is stalled, a session would not be read.
        "last active": None if side.has_stalled else traffic.last_active_ms,
        "last command": traffic.last_command,
        "session": (session.database, session.protocol, session.parser.buffered_bytes),
    }


def assert_equal(plain: Side, native: Side, known: Sequence[bytes]) -> None:
    """Fail, and tell what differs, unless all that can be found out is equal."""
    expected, got = observed(plain, known), observed(native, known)
    differences = "".join(
        f"\n{name}: {expected[name]}\n    not {got[name]}"
        for name in expected
        if expected[name] != got[name]
    )
    assert not differences, differences


def assert_same_answers(expected: Sequence[object], got: Sequence[object]) -> None:
    """Fail at the first arrival that was answered differently."""
    for number, (one, other) in enumerate(zip(expected, got, strict=True)):
        assert one == other, f"arrival {number}: {one!r:.1000} not {other!r:.1000}"


class TwoNodes:
    """One of either kind, kept from one comparison to the next unless it fails."""

    def __init__(self) -> None:
        self._kept: tuple[NativeSide, ReadableSide] | None = (NativeSide(), ReadableSide())

    def compare(self, arrivals: Sequence[Arrival], known: Sequence[bytes]) -> float:
        """Let bytes of a client arrive at both; return the seconds of CPU that the native one took.

        Less those for copying its replies. Fails if the replies to an arrival differ, or if
        something else does at the end.
        ``known``: keys that are probably there.
        """
        native, plain = self._kept or (NativeSide(), ReadableSide())
        self._kept = None
        started = process_time()
        got = native.answers(arrivals)
        seconds = process_time() - started
        plain.sizes, native.sizes = native.sizes, deque()
        assert_same_answers(plain.answers(arrivals), got)
        assert_equal(plain, native, known)
        native.forget(known)
        plain.forget(known)
        self._kept = native, plain
        return seconds - sum(len(replies) for replies, _ in got) / _COPIED_BYTES_PER_SECOND
