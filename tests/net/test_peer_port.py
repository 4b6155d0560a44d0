"""The owner's side of a link: calls of any size are answered, and what is no call ends it."""

from __future__ import annotations

from typing import Any

from memcloud.effects import CloseLink, ToLink
from memcloud.link.batch import RECORDS_MAX, decode_results, encode_batch, word_of_call
from memcloud.link.frames import FrameParser, Kind, encode_frame
from memcloud.link.messages import encode_identity
from memcloud.net.peers import PeerProtocol, PeerSockets

from ..cluster.test_membership import identity
from ..commands.support import LocalNode
from ..resp.support import command


class Wire:
    """A transport that keeps what is written, until it is closed."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closed = False

    def get_extra_info(self, name: str) -> Any:
        """Return what a transport knows; there is a socket, but none to send by."""
        known = {"peername": ("127.0.0.1", 9), "socket": Handle()}
        return known.get(name)

    def set_write_buffer_limits(self, high: int) -> None:
        """Nothing is ever buffered."""

    def get_write_buffer_size(self) -> int:
        """Nothing is ever buffered."""
        return 0

    def is_closing(self) -> bool:
        """Return whether it was closed."""
        return self.is_closed

    def write(self, data: bytes) -> None:
        """Keep bytes."""
        self.written += data

    def writelines(self, pieces: list[bytes]) -> None:
        """Keep bytes."""
        self.written += b"".join(pieces)

    def close(self) -> None:
        """End the connection."""
        self.is_closed = True


class Handle:
    """A socket that cannot be sent to behind the back of its transport."""

    def fileno(self) -> int:
        """Return no descriptor."""
        return -1

    def setsockopt(self, *arguments: int) -> None:
        """Take any option."""


class Owner:
    """A node that another member calls, over a link that has been greeted."""

    def __init__(self, local: LocalNode) -> None:
        self.local, self.node, self.wire = local, local.node, Wire()
        self._parser = FrameParser()
        self._sockets = PeerSockets(self.node, self._carry_out)
        self.protocol = PeerProtocol(self._sockets, None)
        self.protocol.connection_made(self.wire)  # type: ignore[arg-type]
        caller = identity(2, cluster=self.node.settings.cluster)
        self.send(encode_identity(Kind.HELLO, caller))
        assert [frame.kind for frame in self.frames()] == [Kind.WELCOME]

    def send(self, data: bytes) -> None:
        """Let bytes arrive, as many at a time as there is room for."""
        while data and not self.wire.is_closed:
            room = self.protocol.get_buffer(-1)
            size = min(len(room), len(data))
            room[:size] = data[:size]
            self.protocol.buffer_updated(size)
            data = data[size:]

    def frames(self) -> list[Any]:
        """Return the frames that were written since the last time."""
        self._parser.feed(self.wire.written)
        self.wire.written = b""
        return list(iter(self._parser.maybe_take, None))

    def results(self) -> dict[int, tuple[int, bytes]]:
        """Return status and reply of each call that was answered since the last time."""
        found = {}
        for frame in self.frames():
            assert frame.kind is Kind.RESULTS
            for number, status, reply in decode_results(frame):
                assert number not in found
                found[number] = (status, reply)
        return found

    def _carry_out(self) -> None:
        for effect in self.node.take_effects():
            if isinstance(effect, ToLink):
                self._sockets.write(effect.link, effect.data)
            elif isinstance(effect, CloseLink):
                self._sockets.close_one(effect.link)
        self._sockets.flush()
        while self.node.forwarding.has_work:
            self.node.flush()
            self._carry_out()


def frame_of(requests: list[list[bytes]], first: int, protocol: int) -> bytes:
    """Return a CALLS frame whose calls are numbered from ``first``."""
    word = word_of_call(0, protocol, no_touch=False)
    records = [(first + place, word, command(*request)) for place, request in enumerate(requests)]
    return b"".join(encode_batch(Kind.CALLS, records))


def test_frames_larger_than_the_buffer_are_answered() -> None:
    """They are put together elsewhere, and small ones behind them are not lost or overtaken."""
    owner = Owner(LocalNode())
    large = b"v" * 1_000_000
    stream = frame_of([[b"SET", b"a", large]], 1, 2)
    stream += frame_of([[b"STRLEN", b"a"], [b"GETRANGE", b"a", b"0", b"2"]], 2, 2)
    stream += encode_frame(Kind.GOODBYE, []) + frame_of([[b"PING"]], 9, 2)
    owner.send(stream)
    assert owner.results() == {
        1: (0, b"+OK\r\n"),
        2: (0, b":1000000\r\n"),
        3: (0, b"$3\r\nvvv\r\n"),
    }
    assert owner.wire.is_closed


def test_what_is_no_batch_ends_the_link() -> None:
    """And runs nothing of it, not even what is well-formed at its beginning."""
    good = frame_of([[b"SET", b"a", b"1"]], 1, 2)
    payload = good[10:]
    cases = [
        b"\xff" * 64,
        good[:5] + b"\x63" + good[6:],  # another version
        good[:4] + bytes([int(Kind.RESULTS)]) + good[5:],  # the wrong way round
        (6 + len(payload) + 1).to_bytes(4) + good[4:] + b"x",  # a piece of a record behind it
        good[:14] + b"\xff\xff\xff\xff" + good[18:],  # unknown flags
        good[:18] + b"\xff\xff\x00\x00" + good[22:],  # longer than the frame
        frame_of([[b"PING"]] * RECORDS_MAX, 1, 2)[10:],  # no frame at all
        (6 + (RECORDS_MAX + 1) * len(payload)).to_bytes(4)
        + good[4:10]
        + payload * (RECORDS_MAX + 1),
    ]
    for stream in cases:
        owner = Owner(LocalNode())
        owner.send(stream)
        assert owner.wire.is_closed, stream[:30]
        assert owner.local.run("EXISTS", "a") == 0
        assert owner.results() == {}
