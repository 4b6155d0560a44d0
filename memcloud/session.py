"""One client of the node: what it has said about itself, and how things stand with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from memcloud.resp import Parser

from .fast import FastSession, ReplyQueue


class ReplyMode(Enum):
    """What CLIENT REPLY asked for."""

    ON = "on"
    OFF = "off"


@dataclass(slots=True)
class Traffic:
    """What was counted of a session; a native session counts for itself."""

    last_active_ms: int = 0
    commands_processed: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    last_command: str = "NULL"


@dataclass(slots=True)
class Session:
    """The state of a connection that commands can see and change."""

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
    traffic: Traffic | FastSession = field(default_factory=Traffic)
    fast: FastSession | None = None  # runs hot commands while the session is plain
    measure_output: Callable[[], int] = lambda: 0
    is_closing: bool = False  # after the replies that are due; nothing more is read
    is_output_paused: bool = False  # the client does not read what it asked for
    held_command: list[bytes] | None = None  # by CLIENT PAUSE
    replies: ReplyQueue = field(default_factory=ReplyQueue)

    @property
    def output_pending_bytes(self) -> int:
        """How much was handed to the transport and is not yet taken by the client."""
        return self.measure_output()

    @property
    def is_stalled(self) -> bool:
        """Whether no more input is to be taken for now."""
        return self.is_output_paused or self.held_command is not None or self.replies.is_full

    @property
    def is_plain(self) -> bool:
        """Whether a command is run and answered with nothing else to think of."""
        return not (
            self.is_output_paused
            or self.is_closing
            or self.no_touch
            or self.skip_next
            or not self.is_authenticated
            or self.held_command is not None
            or self.reply_mode is not ReplyMode.ON
        )

    def refresh(self) -> None:
        """Tell the native session of what has changed."""
        fast = self.fast
        if fast is not None:
            fast.is_plain, fast.is_closing = self.is_plain, self.is_closing
            fast.protocol = self.protocol
            fast.database = self.database
