"""Where the bytes of connections arrive: natively if there are native sessions, else here."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Final

from memcloud.cluster.mesh import Link
from memcloud.fast import ACCELERATED, Call, Engine, FastSession
from memcloud.link.batch import Record

RECEIVE_BYTES: Final = 128 * 1024

# All connections share one, since what arrives is taken before the loop turns to the next one.
_SHARED = memoryview(bytearray(RECEIVE_BYTES))


class ReadableSocket:
    """The way out of a connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None

    def attach(self, transport: asyncio.Transport) -> None:
        """Begin to send."""
        self._transport = transport

    def write(self, data: bytes) -> None:
        """Send bytes; nothing happens if the connection is closing."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def write_all(self, pieces: list[bytes]) -> None:
        """Send a list of bytes, in order; nothing happens if the connection is closing."""
        self.write(b"".join(pieces))

    def detach(self) -> None:
        """Take and send nothing more."""
        self._transport = None

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes are to be written."""
        return _SHARED


class ReadablePort(ReadableSocket):
    """The part of a client's buffered protocol that takes and sends bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._has_begun = False

    def begin(self, session: FastSession | None) -> None:
        """Begin to take what the client sends."""
        self._has_begun = True

    def received(self, data: memoryview) -> None:
        """Run what has arrived; to be overridden."""
        raise NotImplementedError

    def go_on(self, replies: list[bytes], is_turn_over: bool) -> None:
        """Let Python do what is left of what was received; to be overridden."""
        raise NotImplementedError

    def has_forwarded(self) -> None:
        """Let Python send what was forwarded at the end of this turn; to be overridden."""
        raise NotImplementedError

    def buffer_updated(self, nbytes: int) -> None:
        """Take so many bytes."""
        if self._has_begun and self._transport is not None:
            self.received(_SHARED[:nbytes])


class ReadablePeerPort(ReadableSocket):
    """The same for a link between nodes.

    ``has_heard``: something came since it was last set to False. ``is_paused``: the other side is
    slow to read, so none of its calls is run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.has_heard = False
        self.is_paused = False

    def greeted(self, engine: Engine, link: Link) -> None:
        """Take the batches of the member of a link from now on."""

    def received(self, data: bytes) -> bool:
        """Take bytes; return whether a frame has begun and is not whole; to be overridden."""
        raise NotImplementedError

    def left_over(self, records: list[Record]) -> None:
        """Run calls that are not hot; to be overridden."""
        raise NotImplementedError

    def finished(self, others: list[tuple[Call, int, bytes]], left: dict[int, bool]) -> None:
        """End calls that no native session made, and go on with sessions; to be overridden."""
        raise NotImplementedError

    def buffer_updated(self, nbytes: int) -> None:
        """Take so many bytes."""
        self.has_heard = True
        self.received(bytes(_SHARED[:nbytes]))


if TYPE_CHECKING or not ACCELERATED:
    Port = ReadablePort
    PeerPort = ReadablePeerPort
else:
    Port = importlib.import_module("memcloud._session_c").Port
    PeerPort = importlib.import_module("memcloud._peer_c").PeerPort

__all__ = ["PeerPort", "Port"]
