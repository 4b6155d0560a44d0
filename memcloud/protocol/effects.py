"""What the protocol asks its surroundings to do, to be carried out in order.

The order matters once: a `SaveRecord` must be on disk before anything behind it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .ballots import Record
from .messages import Message
from .table import Cluster, Member, Table


class Send(NamedTuple):
    """Send a message to a device; if ``incarnation`` is given, to that run of it and no other."""

    device: str
    incarnation: int | None
    cluster: Cluster  # the sender's; NO_CLUSTER if it is in none
    message: Message


@dataclass(frozen=True, slots=True)
class SaveRecord:
    """Put the acceptor record on disk."""

    record: Record


@dataclass(frozen=True, slots=True)
class TableChanged:
    """A new table is in force here; ``old`` is None after a start or an exclusion."""

    old: Table | None
    new: Table


@dataclass(frozen=True, slots=True)
class Renewed:
    """This node was given up, or gave itself up: it holds nothing and has a new incarnation."""

    member: Member
    why: str


class Outcome(StrEnum):
    """How a request ended."""

    DONE = "done"
    UNKNOWN = "unknown"  # a write that may or may not have happened
    REFUSED = "refused"  # surely nothing happened


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request of a client of this node."""

    request: int  # the number that `Core.request` returned
    outcome: Outcome
    reply: bytes


@dataclass(frozen=True, slots=True)
class Left:
    """This node asked to leave and holds nothing any more."""


Effect = Send | SaveRecord | TableChanged | Renewed | Reply | Left
