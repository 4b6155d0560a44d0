"""What the members tell each other.

Every message travels with its sender, known from the link, and the sender's cluster. Those about a
table name its epoch: see `core` for what is done when the receiver's is another.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from .ballots import Ballot
from .table import Change, Cluster, Member, Table


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """I am there, at this table; acknowledge it, so that I may serve."""

    epoch: int
    sent_ms: int  # by the sender's clock
    is_fenced: bool  # the sender has had no lease for a while
    is_leaving: bool
    is_moving: bool  # an attempt is under way, see `moves`
    used_bytes: int
    free_bytes: int
    unheard: tuple[Member, ...] = ()  # whom the sender does not hear


@dataclass(frozen=True, slots=True)
class HeartbeatAck:
    """Repeats the time of the heartbeat. A vote for the sender's lease."""

    epoch: int
    sent_ms: int


@dataclass(frozen=True, slots=True)
class TableNeeded:
    """Your table is newer than mine; send it."""


@dataclass(frozen=True, slots=True)
class TableInForce:
    """A table that was decided."""

    table: Table


@dataclass(frozen=True, slots=True)
class Decided:
    """The change that was decided, for those who have the table before it."""

    change: Change


@dataclass(frozen=True, slots=True)
class Prepare:
    """See `ballots`; the epoch of this and the next four is that of the table to be decided."""

    epoch: int
    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Promise:
    """The answer to `Prepare`."""

    epoch: int
    ballot: Ballot
    accepted: tuple[Ballot, Change] | None
    ages: tuple[tuple[Member, int], ...]


@dataclass(frozen=True, slots=True)
class Accept:
    """Make this the next table, unless you have promised otherwise."""

    epoch: int
    ballot: Ballot
    change: Change


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to `Accept`."""

    epoch: int
    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Outbid:
    """A higher ballot was promised already."""

    epoch: int
    ballot: Ballot


@dataclass(frozen=True, slots=True)
class Join:
    """I am in no table. ``sought`` is the cluster that is to take me in, once I know of one."""

    weight: int
    epoch: int  # of the last table that I know, in the cluster that the message has
    sought: Cluster
    is_founder: bool  # it would found one, if nobody of a lower name did


class MoveKind(IntEnum):
    """What is to become of the target of a move."""

    COPY = 1  # one more backup
    MOVE = 2  # the primary


@dataclass(frozen=True, slots=True)
class Order:
    """The leader asks the primary of those slots to copy or move them."""

    epoch: int
    kind: MoveKind
    target: Member
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Forward:
    """A command for a slot. The sender and ``counter`` name it.

    The sender will not ask again for any command of a counter below ``floor``.
    """

    counter: int
    floor: int
    slot: int
    epoch: int
    command: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """The reply to a forwarded command."""

    counter: int
    reply: bytes


@dataclass(frozen=True, slots=True)
class NotServed:
    """The command was not run: by this node's table, or for want of a lease, it may not."""

    counter: int
    epoch: int


class Origin(NamedTuple):
    """Which command an entry is the effect of."""

    gateway: Member
    counter: int
    floor: int


class Entry(NamedTuple):
    """One change of a slot's data, in the order of ``sequence``."""

    sequence: int
    effects: bytes
    origin: Origin | None  # None: the primary's own, such as an expiry
    reply: bytes


class Replicate(NamedTuple):
    """The primary hands an entry on. ``attempt`` is 0 for a backup of the table, or see `moves`."""

    epoch: int
    slot: int
    attempt: int
    entry: Entry


class Replicated(NamedTuple):
    """Everything up to ``sequence`` is here."""

    epoch: int
    slot: int
    attempt: int
    sequence: int


Memory = tuple[tuple[Member, int, tuple[tuple[int, bytes], ...]], ...]
"""Results of a slot: for each gateway its floor, and counters with replies."""


@dataclass(frozen=True, slots=True)
class CopyOffered:
    """So many slots and bytes are to be copied to you; the answer is `CopyAck` or `CopyRefused`."""

    epoch: int
    attempt: int
    slots: tuple[int, ...]
    size_bytes: int


class Part(NamedTuple):
    """A part of a slot that is copied, as it was at ``sequence``."""

    slot: int
    sequence: int
    is_first: bool  # of the slot
    is_last: bool
    data: bytes
    memory: Memory  # with the last one

    @property
    def size_bytes(self) -> int:
        """About what it takes in a message."""
        size_bytes = PART_BYTES + len(self.data)
        for _, _, replies in self.memory:
            size_bytes += GATEWAY_BYTES + sum(PART_BYTES + len(reply) for _, reply in replies)
        return size_bytes


PART_BYTES = 32
GATEWAY_BYTES = 96


@dataclass(frozen=True, slots=True)
class CopyChunk:
    """Parts of slots, in their order. Chunks are numbered from 1."""

    epoch: int
    attempt: int
    number: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class CopyAck:
    """All chunks up to ``number`` are here."""

    epoch: int
    attempt: int
    number: int


@dataclass(frozen=True, slots=True)
class CopyRefused:
    """There is no room for that copy."""

    epoch: int
    attempt: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class CopyDropped:
    """The copy will not be completed; forget what you have of it."""

    epoch: int
    attempt: int


@dataclass(frozen=True, slots=True)
class FoundingAsked:
    """Those who are cut off found a cluster: what do you hold?"""

    founded: Cluster
    epoch: int  # of the table that they have in common


@dataclass(frozen=True, slots=True)
class FoundingPledged:
    """I hold the current copy of these slots, and have left the old cluster for that one."""

    founded: Cluster
    epoch: int
    weight: int
    slots: tuple[tuple[int, int], ...]  # first and last of runs


@dataclass(frozen=True, slots=True)
class Beacon:
    """Told to devices outside the cluster, whose name the message has: it is there."""

    member_count: int
    is_serving: bool


@dataclass(frozen=True, slots=True)
class Bequest:
    """Keys of a cluster that dissolves, for the older one; each is set if it is absent."""

    number: int
    slot: int
    data: bytes


@dataclass(frozen=True, slots=True)
class BequestTaken:
    """The answer to `Bequest`."""

    number: int
    conflicts: int


Message = (
    Heartbeat
    | HeartbeatAck
    | TableNeeded
    | TableInForce
    | Decided
    | Prepare
    | Promise
    | Accept
    | Accepted
    | Outbid
    | Join
    | Order
    | Forward
    | Result
    | NotServed
    | Replicate
    | Replicated
    | CopyOffered
    | CopyChunk
    | CopyAck
    | CopyRefused
    | CopyDropped
    | FoundingAsked
    | FoundingPledged
    | Beacon
    | Bequest
    | BequestTaken
)
