"""One client of the node: what it has said about itself, and its replies in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from memcloud.resp import Parser

# Commands of one client that may wait for peers before no more of its input is taken, and what they
# may hold: their own bytes until they are answered, then their replies.
WAITING_MAX = 1024
WAITING_BYTES_MAX = 8 * 1024 * 1024
# How large replies will be is not known before, so the first commands are few, and it is one more
# with each reply of which so many would fit.
WAITING_FIRST = 8


class ReplyMode(Enum):
    """What CLIENT REPLY asked for."""

    ON = "on"
    OFF = "off"


@dataclass(slots=True, eq=False)
class Waiting:
    """The place of a reply in the order of its session; ``data`` is None until it is there."""

    data: bytes | None = None
    is_silent: bool = False  # CLIENT REPLY said that it shall not be sent
    size_bytes: int = 0  # of what it keeps in memory


@dataclass(slots=True)
class Session:
    """The state of a connection that commands can see and change.

    Replies leave in the order of the commands. While a command waits for a peer, its place is
    held in ``waiting`` and later replies queue behind it.
    """

    id: int
    created_ms: int
    address: str = ""  # HOST:PORT, or PATH:0 for the unix socket
    local_address: str = ""
    file_descriptor: int = -1
    is_unix: bool = False
    is_peer: bool = False  # runs commands that another node forwarded
    parser: Parser = field(default_factory=Parser)
    protocol: int = 2
    database: int = 0
    name: bytes = b""
    library_name: bytes = b""
    library_version: bytes = b""
    user: str = "default"
    is_authenticated: bool = True
    no_evict: bool = False
    no_touch: bool = False
    reply_mode: ReplyMode = ReplyMode.ON
    skip_next: bool = False  # CLIENT REPLY SKIP: neither its own reply nor the next one is sent
    last_command: str = "NULL"
    last_active_ms: int = 0
    commands_processed: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    output_pending_bytes: int = 0  # handed to the transport and not yet taken by the client
    is_closing: bool = False  # after the replies that are due; nothing more is read
    is_output_paused: bool = False  # the client does not read what it asked for
    held_command: list[bytes] | None = None  # by CLIENT PAUSE
    waiting: deque[Waiting] = field(default_factory=deque)
    waiting_bytes: int = 0
    waiting_max: int = WAITING_FIRST
    output: list[bytes] = field(default_factory=list)

    @property
    def is_stalled(self) -> bool:
        """Whether no more input is to be taken for now."""
        return (
            self.is_output_paused
            or self.held_command is not None
            or len(self.waiting) >= self.waiting_max
            or self.waiting_bytes >= WAITING_BYTES_MAX
        )

    def answer(self, data: bytes) -> None:
        """Queue the reply to the command that has just run."""
        if self.waiting:
            self.waiting.append(Waiting(data, size_bytes=len(data)))
            self.waiting_bytes += len(data)
        else:
            self.output.append(data)

    def hold_place(self, size_bytes: int, *, is_silent: bool) -> Waiting:
        """Keep the place of a reply that comes later; give it to `deliver` then.

        ``size_bytes``: of the command, which is kept as long.
        """
        place = Waiting(is_silent=is_silent, size_bytes=size_bytes)
        self.waiting.append(place)
        self.waiting_bytes += size_bytes
        return place

    def deliver(self, place: Waiting, data: bytes) -> None:
        """Put a reply in its place, and move those whose turn has come to the output."""
        if not self.waiting:  # given up meanwhile
            return
        if self.waiting_max:
            fitting = max(1, WAITING_BYTES_MAX // max(1, len(data)))
            self.waiting_max = min(self.waiting_max + 1, fitting, WAITING_MAX)
        self.waiting_bytes += len(data) - place.size_bytes
        place.data, place.size_bytes = data, len(data)
        waiting = self.waiting
        while waiting and (ready := waiting[0].data) is not None:
            place = waiting.popleft()
            self.waiting_bytes -= place.size_bytes
            if not place.is_silent:
                self.output.append(ready)
        if not waiting and not self.waiting_max:
            self.waiting_max = WAITING_FIRST

    def drain(self) -> None:
        """Take no more commands before all that wait are answered."""
        if self.waiting:
            self.waiting_max = 0

    def forget_waiting(self) -> None:
        """Give up the replies that are not there yet, and those behind them."""
        self.waiting.clear()
        self.waiting_bytes = 0
