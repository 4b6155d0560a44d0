"""One client of the node: what it has said about itself, and its replies in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from memcloud.resp import Parser

# Commands of one client that may wait for peers before no more of its input is taken.
WAITING_MAX = 1024


class ReplyMode(Enum):
    """What CLIENT REPLY asked for."""

    ON = "on"
    OFF = "off"


@dataclass(slots=True)
class Waiting:
    """The place of a reply in the order of its session; ``data`` is None until it is there."""

    data: bytes | None = None
    is_silent: bool = False  # CLIENT REPLY said that it shall not be sent


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
    output: list[bytes] = field(default_factory=list)

    @property
    def is_stalled(self) -> bool:
        """Whether no more input is to be taken for now."""
        return (
            self.is_output_paused
            or self.held_command is not None
            or len(self.waiting) >= WAITING_MAX
        )

    def answer(self, data: bytes) -> None:
        """Queue the reply to the command that has just run."""
        if self.waiting:
            self.waiting.append(Waiting(data))
        else:
            self.output.append(data)

    def hold_place(self, *, is_silent: bool) -> Waiting:
        """Keep the place of a reply that comes later; give it its data and call `release`."""
        place = Waiting(is_silent=is_silent)
        self.waiting.append(place)
        return place

    def release(self) -> None:
        """Move the replies whose turn has come to the output."""
        waiting = self.waiting
        while waiting and (data := waiting[0].data) is not None:
            if not waiting.popleft().is_silent:
                self.output.append(data)
