"""Sends the same steps to a memnode and to a real redis-server, and finds where they differ."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO

from .reading import ConnectionClosed, Reply, read_reply
from .rules import are_equivalent
from .script import MAIN, Step, encoded

REPLY_SECONDS_MAX = 30.0
"""How long a reply may take: generous, for machines under load."""

BATCH_STEPS = 100
"""How many commands are sent before their replies are read, where nothing depends on one."""

CLOSED = Reply(b"-(the connection is closed)")
SILENT = Reply(b"-(no reply)")


class Side:
    """One of the two servers, with the connections of one script to it."""

    def __init__(self, port: int, protocol: int = 2) -> None:
        self._port = port
        self._protocol = protocol
        self._connections: dict[str, tuple[socket.socket, BinaryIO]] = {}
        self.send(encoded((b"FLUSHALL",)))
        self.receive()

    def send(self, data: bytes, connection: str = MAIN) -> None:
        """Send bytes on the connection, which is opened when it is new."""
        opened, _ = self._open(connection)
        with suppress(ConnectionError):  # what is read next tells it
            opened.sendall(data)

    def receive(self, connection: str = MAIN) -> Reply:
        """The next reply; `CLOSED` or `SILENT` if there is none."""
        _, stream = self._open(connection)
        try:
            return read_reply(stream)
        except (ConnectionClosed, ConnectionError):
            return CLOSED
        except TimeoutError:
            return SILENT

    def receive_rest(self, connection: str = MAIN) -> Reply:
        """Everything up to the end of the connection, as if it were one string."""
        _, stream = self._open(connection)
        try:
            rest = stream.read()
        except ConnectionError:
            rest = b""
        return Reply(b"$%d" % len(rest), string=rest)

    def ask(self, step: Step) -> Reply:
        """The reply to a step."""
        self.send(step.sent, step.connection)
        return self.receive(step.connection)

    def close(self) -> None:
        """Close all connections."""
        for connection, stream in self._connections.values():
            stream.close()
            connection.close()

    def _open(self, name: str) -> tuple[socket.socket, BinaryIO]:
        if name not in self._connections:
            connection = socket.create_connection(("127.0.0.1", self._port), REPLY_SECONDS_MAX)
            stream = connection.makefile("rb")
            self._connections[name] = connection, stream
            if self._protocol != 2:
                self.send(encoded((b"HELLO", b"%d" % self._protocol)), name)
                assert self.receive(name).kind == "%", "HELLO was refused"
        return self._connections[name]


class Pair:
    """Both servers."""

    def __init__(self, ours: Side, theirs: Side) -> None:
        self.ours = ours
        self.theirs = theirs

    def differences(self, steps: Iterable[Step]) -> Iterator[str]:
        """A line for each step that is answered differently, in the order of the steps."""
        for step in steps:
            ours, theirs = (_outcome(side, step) for side in (self.ours, self.theirs))
            yield from _difference(step, ours, theirs)

    def differences_in_batches(self, steps: Sequence[Step]) -> Iterator[str]:
        """The same, much faster, for steps that are commands on one connection."""
        for start in range(0, len(steps), BATCH_STEPS):
            batch = steps[start : start + BATCH_STEPS]
            for side in (self.ours, self.theirs):
                side.send(b"".join(step.sent for step in batch))
            for step in batch:
                yield from _difference(step, self.ours.receive(), self.theirs.receive())


@contextmanager
def pair_of(our_port: int, their_port: int, protocol: int) -> Iterator[Pair]:
    """Both servers, empty, with connections of their own that are closed at the end."""
    ours, theirs = Side(our_port, protocol), Side(their_port, protocol)
    try:
        yield Pair(ours, theirs)
    finally:
        ours.close()
        theirs.close()


def _outcome(side: Side, step: Step) -> Reply | None:
    if step.action == "until":
        return _repeat(side, step)
    if step.action == "scan":
        return _scan(side, step)
    if step.action in ("silent", "closed"):
        side.send(step.sent, step.connection)
        return None if step.action == "silent" else side.receive_rest(step.connection)
    return side.ask(step)


def _repeat(side: Side, step: Step) -> Reply:
    """Ask until the reply begins as it should."""
    expected, words = step.words[0], step.words[1:]
    command = Step(words, connection=step.connection)
    deadline = time.monotonic() + REPLY_SECONDS_MAX
    reply = side.ask(command)
    while not reply.line.startswith(expected):
        assert time.monotonic() < deadline, f"{command} never gave {expected!r}: {reply}"
        time.sleep(0.005)  # the server's clock is not ours to turn
        reply = side.ask(command)
    return reply


def _scan(side: Side, step: Step) -> Reply:
    """All keys of the pages, each once, as pages may repeat them; what is no page ends it."""
    name, cursor, *options = step.words
    keys: list[Reply] = []
    while True:
        page = side.ask(Step((name, cursor, *options), connection=step.connection))
        if len(page.items) != 2:
            return page
        keys += page.items[1].items
        cursor = page.items[0].string or b""
        if cursor == b"0":
            return Reply(b"*%d" % len(set(keys)), items=tuple(sorted(set(keys), key=str)))


def _difference(step: Step, ours: Reply | None, theirs: Reply | None) -> Iterator[str]:
    if ours is None or theirs is None:
        return
    words = step.words[1:] if step.action == "until" else step.words
    is_right = ours == theirs if step.action == "exact" else are_equivalent(words, ours, theirs)
    if not is_right:
        yield f"{step}\n    ours:    {ours}\n    Redis':  {theirs}"
