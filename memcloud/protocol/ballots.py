"""How the next table is decided: one decree of Paxos per epoch among the devices of the table.

A proposer draws a ballot and asks all devices of table ``e`` for a promise. A device promises to
ignore lower ballots, and tells what it has accepted already. With promises from a quorum the
proposer has to propose the accepted change of the highest ballot, if there is one, and else is
free to propose its own. Once a quorum has accepted a change, every later ballot finds it: it is
decided.

Two things are added to the textbook:

- A promise carries, for each member, how long ago this device last acknowledged a heartbeat of it.
  What is decided gives leases time to run out by that: see `leases`.
- A device that has promised acknowledges no more heartbeats until the next table is in force. So
  an undecided decree must be finished, and any device may do so: it proposes to change nothing.

What a device has promised and accepted is on its disk before it is told to anybody (`SaveRecord`).
A device that lost its record, or left the cluster to found another, would break promises that it
no longer knows of. It has no vote until a table names its present run as a member; its promises
since then are all it can have made about later epochs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .table import Change, Member, Table


class Ballot(NamedTuple):
    """The number of a try to decide; unique, since a member uses each round once."""

    round: int
    proposer: Member


@dataclass(frozen=True, slots=True)
class Record:
    """What a device remembers over restarts: never keys or values."""

    incarnation: int
    table: Table | None = None
    has_vote: bool = False
    promised: Ballot | None = None
    accepted: tuple[Ballot, Change] | None = None


class Acceptor:
    """The voter's half: promises and acceptances about the epoch after the table in force."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.promised_ms = 0  # when, if a promise is open

    @property
    def has_promised(self) -> bool:
        """Whether a decree is open, as far as this device knows."""
        return self.record.promised is not None

    def promise(self, ballot: Ballot, now_ms: int) -> bool:
        """Promise to ignore lower ballots; return whether that is still possible."""
        promised = self.record.promised
        if promised is not None and ballot < promised:
            return False
        self.promised_ms = now_ms
        self.record = replace(self.record, promised=ballot)
        return True

    def accept(self, ballot: Ballot, change: Change, now_ms: int) -> bool:
        """Accept a change; return whether no higher ballot was promised."""
        if not self.promise(ballot, now_ms):
            return False
        self.record = replace(self.record, accepted=(ballot, change))
        return True

    def adopt(self, table: Table, me: Member) -> None:
        """Take note of a table in force; what was promised about its epoch is history."""
        known = self.record.table
        keeps_vote = self.record.has_vote and known is not None and known.cluster == table.cluster
        self.record = Record(me.incarnation, table, keeps_vote or me in table)


Ages = dict[Member, int]
"""How many milliseconds ago a device acknowledged a heartbeat of each member."""


@dataclass(slots=True)
class Proposal:
    """The proposer's half: one ballot of this node that is under way."""

    ballot: Ballot
    started_ms: int
    sent_ms: int
    give_up_ms: int
    ages: dict[str, Ages] = field(default_factory=dict)  # by device that promised
    earlier: tuple[Ballot, Change] | None = None  # the accepted one of the highest ballot
    change: Change | None = None  # once there are promises enough
    accepted: dict[str, None] = field(default_factory=dict)  # devices, in order

    def add_promise(self, device: str, ages: Ages, earlier: tuple[Ballot, Change] | None) -> None:
        """Count a promise."""
        self.ages[device] = ages
        if earlier is not None and (self.earlier is None or earlier[0] > self.earlier[0]):
            self.earlier = earlier
