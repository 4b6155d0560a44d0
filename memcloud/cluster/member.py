"""A member of the cluster as this node sees it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from memcloud.link.messages import Identity

LOOPBACK = ("127.", "::1", "localhost")
WILDCARDS = ("0.0.0.0", "::", "*")


class State(StrEnum):
    """How a member is doing."""

    SELF = "self"
    ALIVE = "alive"
    SUSPECT = "suspect"  # silent for a while, still owner of its slots
    DOWN = "down"  # given up; its slots belong to others
    LEFT = "left"  # it gave its slots away before it went


@dataclass(slots=True)
class Member:
    """Who it is, where it is, and what it last said about itself."""

    identity: Identity
    host: str  # where its peer port is reached
    state: State = State.ALIVE
    last_heard_ms: int = 0
    round_trip_us: int = 0
    used_bytes: int = 0
    keys: int = 0

    @property
    def is_gone(self) -> bool:
        """Whether it is no member any more."""
        return self.state in (State.DOWN, State.LEFT)

    @property
    def id(self) -> str:
        """The 40 hex digits that name this run of the node."""
        return self.identity.id

    @property
    def name(self) -> str:
        """The name its owner gave it."""
        return self.identity.name

    @property
    def peer_address(self) -> tuple[str, int]:
        """Host and port of its peer port."""
        return self.host, self.identity.peer_port

    def client_address(self) -> tuple[str, int] | None:
        """Host and port at which clients of this node's host can reach it, None if they cannot.

        A node serves clients on its own loopback unless told otherwise, so a member on another
        machine is mostly out of their reach, and is served through this node instead.
        """
        bind = self.identity.bind
        if bind.startswith(LOOPBACK):
            return (self.host, self.identity.port) if self.host.startswith(LOOPBACK) else None
        return (self.host if bind in WILDCARDS else bind), self.identity.port
