"""A node in this process, without sockets: for the tests of commands."""

from __future__ import annotations

from random import Random
from typing import Any

from memcloud.effects import CloseClient, ToClient
from memcloud.host import FixedHost
from memcloud.node import Node
from memcloud.resp import Decoder, encode
from memcloud.resp.decoder import INCOMPLETE
from memcloud.settings import Settings
from tests.manual_clock import ManualClock


class LocalClient:
    """A client of a node in this process."""

    def __init__(self, node: Node, number: int) -> None:
        self.node = node
        self.number = number
        self.is_closed = False
        self.received = b""
        session = node.clients.opened(
            number, address=f"127.0.0.1:{50000 + number}", local_address="127.0.0.1:6380"
        )
        assert session is not None
        self.session = session

    def send(self, data: bytes) -> bytes:
        """Send bytes and return the bytes that come back."""
        self.node.clients.received(self.number, data)
        return self.receive()

    def receive(self) -> bytes:
        """Let the node work and return what this client gets to read."""
        data = b""
        while True:
            for effect in self.node.take_effects():
                if isinstance(effect, ToClient) and effect.session == self.number:
                    data += effect.data
                elif isinstance(effect, CloseClient) and effect.session == self.number:
                    self.is_closed = True
            if not self.node.clients.has_work:
                return data
            self.node.clients.run_turn()

    def run(self, *args: str | bytes | int | float, protocol: int | None = None) -> Any:
        """Run one command and return its decoded reply, errors as `ErrorReply`."""
        if protocol is not None:
            self.session.protocol = protocol
        data = self.send(encode([_bytes(arg) for arg in args], 2))
        decoder = Decoder()
        decoder.feed(data)
        reply = decoder.take()
        assert reply is not INCOMPLETE, f"no whole reply to {args}: {data!r}"
        assert decoder.take() is INCOMPLETE, f"more than one reply to {args}: {data!r}"
        return reply


class LocalNode(LocalClient):
    """A node with one client; ``clock`` moves only when the test moves it."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        values = {"name": "node", "memory_bytes": 1 << 30, **settings}
        super().__init__(Node(Settings(**values), self.clock, Random(1), FixedHost()), 1)

    def client(self, number: int) -> LocalClient:
        """Return one more client of the same node."""
        return LocalClient(self.node, number)

    def advance(self, duration_ms: int) -> None:
        """Move time on and let the node notice."""
        self.clock.advance(duration_ms)
        self.node.tick()


def _bytes(arg: str | bytes | int | float) -> bytes:
    return arg if isinstance(arg, bytes) else str(arg).encode()
