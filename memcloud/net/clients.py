"""The sockets of clients: TCP and unix, with back-pressure in both directions."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import cast

from memcloud.errors import StartError
from memcloud.node import Node
from memcloud.seldom import SELDOM
from memcloud.session import Session

from .port import Port

logger = logging.getLogger(__name__)

BACKLOG = 511
# More than this in the write buffer, and the client's commands wait until it has read some.
HIGH_WATER_BYTES = 1 << 20
# The same for a client that has not given its password. (It gets nothing but short errors, and
# CVE-2025-21605 was that Redis kept any number of them.)
STRANGERS_HIGH_WATER_BYTES = 64 * 1024
# A client that has this much coming (or less, by client-output-buffer-limit) and reads none of it
# for so long is cut off.
STUCK_BYTES = 32 << 20
STUCK_MS = 10_000


class ClientProtocol(Port, asyncio.BufferedProtocol):
    """One client connection."""

    def __init__(self, clients: ClientSockets, number: int) -> None:
        super().__init__()
        self._clients = clients
        self._number = number
        self._paused_ms: int | None = None
        self._pending_bytes = 0  # in the write buffer when it was last looked at
        self._closing_ms: int | None = None
        self._is_stranger = True
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce the client to the node."""
        # uvloop's transports do not derive from asyncio's.
        self.transport = transport = cast("asyncio.Transport", transport)
        self.attach(transport)
        session = self._clients.opened(self._number, self)
        self._is_stranger = session is None or not session.is_authenticated
        transport.set_write_buffer_limits(
            STRANGERS_HIGH_WATER_BYTES if self._is_stranger else HIGH_WATER_BYTES
        )
        if session is not None:
            self.begin(session.fast)

    def received(self, data: memoryview) -> None:
        """Hand the bytes to the node."""
        self._clients.node.clients.received(self._number, data)
        self._carry_out()

    def go_on(self, replies: list[bytes], is_turn_over: bool) -> None:
        """Let the node run what is left of what it has received."""
        self._clients.node.clients.go_on(self._number, replies, is_turn_over=is_turn_over)
        self._carry_out()

    def has_forwarded(self) -> None:
        """Send what was forwarded at the end of this turn."""
        asyncio.get_running_loop().call_soon(self._clients.flush)

    def _carry_out(self) -> None:
        """Do what the node asks for; stop reading when it has enough for now."""
        node = self._clients.node
        session = node.sessions.get(self._number)
        if self._is_stranger and session is not None and session.is_authenticated:
            self._is_stranger = False
            self.transport.set_write_buffer_limits(HIGH_WATER_BYTES)
        if session is not None and (session.is_stalled or node.clients.is_runnable(session)):
            self.transport.pause_reading()
        self._clients.carry_out()

    def pause_writing(self) -> None:
        """The client does not read: run no more of its commands."""
        self._paused_ms = self._clients.node.clock.now_ms()
        self._clients.slow.add(self._number)
        self._pending_bytes = self.transport.get_write_buffer_size()
        self._clients.node.clients.paused(self._number)
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._paused_ms = None
        self._clients.slow.discard(self._number)
        self._clients.node.clients.resumed(self._number)
        self._clients.carry_out()

    def resume_reading(self) -> None:
        """The node wants more of this client's input."""
        if self._paused_ms is None and not self.transport.is_closing():
            self.transport.resume_reading()

    def close(self) -> None:
        """Close when what was written is out."""
        self._closing_ms = self._clients.node.clock.now_ms()
        self._clients.slow.add(self._number)
        self.detach()
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the node that the client is gone."""
        self.detach()
        self._clients.lost(self._number)

    def is_stuck(self, now_ms: int) -> bool:
        """Return whether the client has read nothing of a lot, or of its last replies, for long."""
        if self._closing_ms is not None:
            return now_ms - self._closing_ms >= STUCK_MS
        if self._paused_ms is None:
            return False
        size_bytes = self.transport.get_write_buffer_size()
        if size_bytes < self._pending_bytes:
            self._pending_bytes = size_bytes
            self._paused_ms = now_ms
        limit_bytes = min(STUCK_BYTES, self._clients.node.parameters.output_limit_bytes)
        return size_bytes >= limit_bytes and now_ms - self._paused_ms >= STUCK_MS


class ClientSockets:
    """The listeners for clients and their connections."""

    def __init__(self, node: Node, carry_out: Callable[[], None]) -> None:
        """``carry_out()`` is called after each event that may have effects."""
        self.node = node
        self.carry_out = carry_out
        self._numbers = count(1)
        self._protocols: dict[int, ClientProtocol] = {}
        self.slow: set[int] = set()  # those that leave output unread, or have not closed yet
        self._servers: list[asyncio.Server] = []
        self._socket_path: Path | None = None

    async def listen(self) -> None:
        """Open the client port and the unix socket.

        Raises:
            StartError: one of them is taken or not allowed.
        """
        settings = self.node.settings
        loop = asyncio.get_running_loop()
        try:
            self._servers.append(
                await loop.create_server(
                    self._protocol, settings.bind, settings.port, backlog=BACKLOG
                )
            )
        except OSError as error:
            raise StartError(port_fault(settings.bind, settings.port, "--port", error)) from error
        if settings.socket_path is not None:
            await self._listen_unix(Path(settings.socket_path))

    async def close(self) -> None:
        """Stop listening and close all connections."""
        for server in self._servers:
            server.close()
        for protocol in list(self._protocols.values()):
            protocol.transport.close()
        if self._socket_path is not None:
            self._socket_path.unlink(missing_ok=True)

    def opened(self, number: int, protocol: ClientProtocol) -> Session | None:
        """Introduce a new connection to the node; None if it takes no more."""
        self._protocols[number] = protocol
        transport = protocol.transport
        handle = transport.get_extra_info("socket")
        is_unix = handle is not None and handle.family == socket.AF_UNIX
        path = self.node.settings.socket_path
        session = self.node.clients.opened(
            number,
            address=f"{path}:0" if is_unix else _host_port(transport.get_extra_info("peername")),
            local_address=(
                f"{path}:0" if is_unix else _host_port(transport.get_extra_info("sockname"))
            ),
            is_unix=is_unix,
            file_descriptor=handle.fileno() if handle is not None else -1,
        )
        if session is not None:
            session.measure_output = transport.get_write_buffer_size
        self.carry_out()
        return session

    def lost(self, number: int) -> None:
        """Forget a connection that has ended."""
        self._protocols.pop(number, None)
        self.slow.discard(number)
        self.node.clients.closed(number)
        self.carry_out()

    def write(self, number: int, data: bytes) -> None:
        """Send bytes to a client that may be gone by now."""
        protocol = self._protocols.get(number)
        if protocol is not None:
            protocol.write(data)

    def flush(self) -> None:
        """Send what native sessions have forwarded in this turn."""
        engine = self.node.engine
        if engine is not None and not engine.flush():
            self.carry_out()

    def close_one(self, number: int) -> None:
        """Close a connection when what was written is out."""
        protocol = self._protocols.get(number)
        if protocol is not None:
            protocol.close()

    def resume_reading(self, number: int) -> None:
        """Read a client again."""
        protocol = self._protocols.get(number)
        if protocol is not None:
            protocol.resume_reading()

    def tick(self) -> None:
        """Cut off the clients that are stuck."""
        now_ms = self.node.clock.now_ms()
        for number in list(self.slow):
            protocol = self._protocols.get(number)
            if protocol is None:
                self.slow.discard(number)
            elif protocol.is_stuck(now_ms):
                logger.warning("a client that does not read its replies is cut off", extra=SELDOM)
                self.node.stats.output_limit_disconnections += 1
                protocol.transport.abort()

    def _protocol(self) -> ClientProtocol:
        return ClientProtocol(self, next(self._numbers))

    async def _listen_unix(self, path: Path) -> None:
        loop = asyncio.get_running_loop()
        # Nobody else may get at the socket, not even between its birth and a chmod.
        old_mask = os.umask(0o177)
        try:
            if await _is_served(path):
                raise StartError(f"the socket {path} is in use by another node")
            _remove_stale(path)
            server = await loop.create_unix_server(self._protocol, str(path), backlog=BACKLOG)
        except OSError as error:
            raise StartError(f"cannot listen on the socket {path}: {error.strerror}") from error
        finally:
            os.umask(old_mask)
        self._servers.append(server)
        self._socket_path = path


def port_fault(host: str, port: int, flag: str, error: OSError) -> str:
    """Return the sentence for a port that cannot be listened on."""
    return f"cannot listen on {host}:{port} ({flag}): {error.strerror or error}"


async def _is_served(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    writer.close()
    return True


def _remove_stale(path: Path) -> None:
    """Remove the socket that a node left behind which did not stop politely."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        path.unlink()


def _host_port(address: tuple[str, int] | None) -> str:
    if not address:
        return ""
    host, port = address[0], address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
