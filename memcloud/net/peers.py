"""The sockets between nodes: one listener, and a connection for each direction of dialling."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import cast

from memcloud.errors import StartError
from memcloud.fast import Call
from memcloud.link.batch import Record
from memcloud.node import Node

from .clients import port_fault
from .port import PeerPort

logger = logging.getLogger(__name__)

BACKLOG = 128
DIAL_TIMEOUT_S = 3.0
HIGH_WATER_BYTES = 4 << 20


class PeerProtocol(PeerPort, asyncio.BufferedProtocol):
    """One connection to another node."""

    def __init__(self, peers: PeerSockets, dialled: tuple[str, int] | None) -> None:
        super().__init__()
        self._peers = peers
        self._dialled = dialled
        self._link = 0
        self._has_greeted = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce the link to the node."""
        # uvloop's transports do not derive from asyncio's.
        self.transport = transport = cast("asyncio.Transport", transport)
        transport.set_write_buffer_limits(HIGH_WATER_BYTES)
        handle = transport.get_extra_info("socket")
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.attach(transport)
        host, port = self._dialled or transport.get_extra_info("peername")[:2]
        self._link = self._peers.opened(self, host, port, is_outgoing=self._dialled is not None)

    def received(self, data: bytes) -> bool:
        """Hand the bytes to the node."""
        node = self._peers.node
        link = node.mesh.received(self._link, data)
        if link is not None and link.member is not None and not self._has_greeted:
            self._has_greeted = True
            if node.engine is not None:
                self.greeted(node.engine, link)
        self._peers.carry_out()
        return link is not None and link.parser.is_within

    def left_over(self, records: list[Record]) -> None:
        """Let the node run calls."""
        self._peers.node.forwarding.take(self._link, records)
        self._peers.carry_out()

    def finished(self, others: list[tuple[Call, int, bytes]], left: dict[int, bool]) -> None:
        """Let the node end calls, and go on with the sessions that waited for some."""
        node = self._peers.node
        node.forwarding.finish(others)
        node.clients.go_on_after(left)
        self._peers.carry_out()

    def pause_writing(self) -> None:
        """The other node is slow to read replies: run no more of its calls.

        On a link that this node dialled the window of the calls bounds what is written, and
        replies must be read whatever happens.
        """
        if self._dialled is None:
            self.is_paused = True
            self._peers.node.mesh.paused(self._link)
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The other node reads again."""
        if self._dialled is None and not self.transport.is_closing():
            self.is_paused = False
            self._peers.node.mesh.resumed(self._link)
            self.transport.resume_reading()
            self._peers.carry_out()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the node that the link is gone."""
        self.detach()
        self._peers.lost(self._link)

    def close(self) -> None:
        """Close when what was written is out."""
        self.detach()
        self.transport.close()


class PeerSockets:
    """The listener for peers and the links."""

    def __init__(self, node: Node, carry_out: Callable[[], None]) -> None:
        """``carry_out()`` is called after each event that may have effects."""
        self.node = node
        self.carry_out = carry_out
        self._links: dict[int, PeerProtocol] = {}
        self._unsent: dict[int, list[bytes]] = {}
        self._server: asyncio.Server | None = None
        self._dials: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Open the peer port.

        Raises:
            StartError: it is taken or not allowed.
        """
        settings = self.node.settings
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: PeerProtocol(self, None),
                settings.peer_bind,
                settings.peer_port,
                backlog=BACKLOG,
            )
        except OSError as error:
            raise StartError(
                port_fault(settings.peer_bind, settings.peer_port, "--peer-port", error)
            ) from error

    def stop_listening(self) -> None:
        """Close the peer port; the links stay."""
        if self._server is not None:
            self._server.close()

    async def close(self) -> None:
        """Stop listening and dialling, and close all links."""
        self.stop_listening()
        for task in self._dials:
            task.cancel()
        for protocol in list(self._links.values()):
            protocol.close()

    def tick(self) -> None:
        """Tell the node who was heard."""
        for link, protocol in self._links.items():
            if protocol.has_heard:
                protocol.has_heard = False
                self.node.mesh.heard(link)

    def opened(self, protocol: PeerProtocol, host: str, port: int, *, is_outgoing: bool) -> int:
        """Introduce a new connection to the node; return the number of the link."""
        link = self.node.mesh.opened(host, port, is_outgoing=is_outgoing)
        self._links[link] = protocol
        self.carry_out()
        return link

    def lost(self, link: int) -> None:
        """Forget a link that has ended."""
        self._links.pop(link, None)
        self.node.mesh.closed(link)
        self.carry_out()

    def write(self, link: int, data: bytes) -> None:
        """Send bytes with the next `flush` on a link that may be gone by now."""
        self._unsent.setdefault(link, []).append(data)

    def flush(self) -> None:
        """Send what was written; each link gets all of its own at once."""
        unsent, self._unsent = self._unsent, {}
        for link, pieces in unsent.items():
            protocol = self._links.get(link)
            if protocol is not None:
                protocol.write_all(pieces)

    def close_one(self, link: int) -> None:
        """Close a link when what was written is out."""
        self.flush()
        protocol = self._links.get(link)
        if protocol is not None:
            protocol.close()

    def dial(self, host: str, port: int) -> None:
        """Start to open a link; the node learns the outcome."""
        task = asyncio.get_running_loop().create_task(self._dial(host, port))
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    async def _dial(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(DIAL_TIMEOUT_S):
                await loop.create_connection(lambda: PeerProtocol(self, (host, port)), host, port)
        except TimeoutError:
            self._dial_failed(host, port, "timed out", is_refused=False)
        except ConnectionRefusedError:
            self._dial_failed(host, port, "connection refused", is_refused=True)
        except OSError as error:
            self._dial_failed(host, port, error.strerror or str(error), is_refused=False)
        except UnicodeError:  # raised before the name is looked up
            self._dial_failed(host, port, "that is no host name", is_refused=False)

    def _dial_failed(self, host: str, port: int, why: str, *, is_refused: bool) -> None:
        self.node.mesh.dial_failed(host, port, why, is_refused=is_refused)
        self.carry_out()
