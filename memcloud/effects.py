"""What a node asks its surroundings to do. `Node.take_effects` gives them in order."""

from __future__ import annotations

from dataclasses import dataclass

from memcloud.protocol.ballots import Record


@dataclass(frozen=True, slots=True)
class ToClient:
    """Send bytes to a client."""

    session: int
    data: bytes


@dataclass(frozen=True, slots=True)
class CloseClient:
    """Close a client's connection once what was sent before is out."""

    session: int


@dataclass(frozen=True, slots=True)
class ResumeReading:
    """The client's session has room again; its socket was not read since it stalled."""

    session: int


@dataclass(frozen=True, slots=True)
class ToLink:
    """Send bytes to a peer."""

    link: int
    data: bytes


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Close the connection to a peer once what was sent before is out."""

    link: int


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a connection to a peer port; the outcome comes as `link_opened` or `dial_failed`."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The node cannot stay in the cluster; ``reason`` is a sentence for its owner."""

    reason: str


@dataclass(frozen=True, slots=True)
class KeepRecord:
    """Put this on disk before anything behind it is done."""

    record: Record


@dataclass(frozen=True, slots=True)
class Leave:
    """The node holds nothing any more and may stop."""


@dataclass(frozen=True, slots=True)
class ReturnMemory:
    """Give pages that hold nothing any more back to the operating system."""


Effect = (
    ToClient
    | CloseClient
    | ResumeReading
    | ToLink
    | CloseLink
    | Dial
    | Stop
    | KeepRecord
    | Leave
    | ReturnMemory
)
