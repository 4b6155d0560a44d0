"""One client of the node: what it has said about itself, and its replies in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from memcloud.resp import Limits, Parser


class ReplyMode(Enum):
    """What CLIENT REPLY asked for."""

    ON = "on"
    OFF = "off"
    SKIP = "skip"  # this command's reply and the next one's are not sent


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
    skip_next: bool = False
    last_command: str = "NULL"
    last_active_ms: int = 0
    commands_processed: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    output_pending_bytes: int = 0  # handed to the transport and not yet taken by the client
    is_closing: bool = False  # after the replies that are due; nothing more is read
    waiting: deque[Waiting] = field(default_factory=deque)

    def limit(self, limits: Limits) -> None:
        """Let the parser believe no more than ``limits``."""
        self.parser.limits = limits


@dataclass(slots=True)
class Waiting:
    """The place of a reply in the order of its session; ``data`` is None until it is there."""

    data: bytes | None = None
    is_silent: bool = False  # CLIENT REPLY said that it shall not be sent
