"""What all parts of the protocol on one node have in common."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from memcloud.chance import Random

from .detector import Detector
from .effects import Effect, Send
from .leases import Leases
from .messages import Message
from .settings import Settings
from .table import NO_CLUSTER, Cluster, Member, Table


class SlotStore(Protocol):
    """The data. Effects and chunks are bytes that another node's store understands.

    Deadlines travel in them as the time that remains.
    """

    @property
    def used_bytes(self) -> int:
        """How much is held, staged copies included."""
        ...

    @property
    def free_bytes(self) -> int:
        """How much more may be held."""
        ...

    def run(self, slot: int, command: bytes, now_ms: int) -> tuple[bytes, bytes]:
        """Run a command; return its reply, and what it changed (nothing: empty)."""
        ...

    def apply(self, slot: int, effects: bytes, now_ms: int) -> None:
        """Change what a command changed elsewhere."""
        ...

    def snapshot(self, slot: int, now_ms: int) -> list[bytes]:
        """Return the slot as it is now, in chunks."""
        ...

    def stage(self, slot: int, chunk: bytes, now_ms: int) -> None:
        """Add to a copy that nobody sees yet."""
        ...

    def apply_staged(self, slot: int, effects: bytes, now_ms: int) -> None:
        """Change what a command changed elsewhere, in such a copy."""
        ...

    def unstage(self, slot: int) -> None:
        """Forget such a copy, if there is one."""
        ...

    def adopt_staged(self, slot: int) -> None:
        """Let the copy be the slot."""
        ...

    def lead(self, slot: int) -> None:
        """This node is the primary of the slot from now on; see `is_in`."""
        ...

    def follow(self, slot: int) -> None:
        """This node has a backup of the slot from now on, which no client sees."""
        ...

    def is_in(self, slot: int) -> bool:
        """Return whether commands of clients find all of a slot that this node leads."""
        ...

    def drop(self, slot: int) -> None:
        """Empty a slot."""
        ...

    def size_bytes(self, slot: int) -> int:
        """Return what a slot holds."""
        ...

    def bequest(self, slot: int, since_ms: int, now_ms: int) -> list[bytes]:
        """Return the keys written since then, in chunks for `inherit`."""
        ...

    def inherit(self, slot: int, chunk: bytes) -> list[bytes]:
        """Return commands that set each key of the chunk if it is absent.

        The reply to one that found its key present is ``b"0"``.
        """
        ...


@dataclass
class State:
    """One node: who it is, the table it knows, and what it has to say."""

    settings: Settings
    random: Random
    store: SlotStore
    me: Member
    leases: Leases
    detector: Detector
    now_ms: int
    wall_offset_ms: int = 0
    table: Table | None = None
    effects: list[Effect] = field(default_factory=list)
    to_self: deque[Message] = field(default_factory=deque)

    @property
    def cluster(self) -> Cluster:
        """The cluster whose table this node knows."""
        return NO_CLUSTER if self.table is None else self.table.cluster

    @property
    def epoch(self) -> int:
        """The epoch of the table, 0 without one."""
        return 0 if self.table is None else self.table.epoch

    @property
    def is_member(self) -> bool:
        """Whether this run of this device is in the table."""
        return self.table is not None and self.me in self.table.members

    @property
    def has_lease(self) -> bool:
        """Whether this node may serve."""
        return self.is_member and self.leases.is_valid(self.now_ms)

    def send(self, member: Member, message: Message) -> None:
        """Send to a member, and not to another run of its device."""
        if member == self.me:
            self.to_self.append(message)
        else:
            self.effects.append(Send(*member, self.cluster, message))

    def send_device(self, device: str, message: Message) -> None:
        """Send to whatever runs on a device."""
        if device == self.me.device:
            self.to_self.append(message)
        else:
            self.effects.append(Send(device, None, self.cluster, message))

    def send_devices(self, message: Message) -> None:
        """Send to all devices of the table, this one included."""
        assert self.table is not None
        for device in self.table.devices:
            self.send_device(device, message)
