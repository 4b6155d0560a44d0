"""Commands on their way to other members, and their replies on the way back.

Calls for one peer are collected and leave in one frame when `take_frame` is called, once per turn
of the loop. At most `WINDOW_BYTES` are on the way to a peer at a time; what exceeds it waits here,
and the sessions that wait for it are not read any further, so that a slow peer slows only those
who want something of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from memcloud.link.batch import RECORDS_MAX, Record, decode_results, encode_batch
from memcloud.link.frames import Frame, Kind
from memcloud.replies import Waiting
from memcloud.tags import Stamp

WINDOW_BYTES = 16 * 1024 * 1024
FRAME_BYTES = 1024 * 1024
QUEUE_CALLS_MAX = 100_000
ID_MAX = 0xFFFF_FFFF
# A backstop: a silent peer is given up long before, and its calls with it.
CALL_TIMEOUT_MS = 30_000
BULK_BYTES_PER_MS = 1000


class Sink(Protocol):
    """Whoever waits for the outcome of a call."""

    def answered(self, reply: bytes) -> None:
        """Take the owner's reply."""
        ...

    def lost(self, was_run: bool) -> None:
        """Learn that no reply will come; ``was_run``: the peer may have run the call."""
        ...


@dataclass(slots=True)
class Call:
    """A command for another member.

    One that a native session makes has no sink, but the number of that session and the place that
    it keeps there for the reply.
    """

    member: str
    word: int  # see `word_of_call`
    request: bytes
    sink: Sink | None
    id: int = 0  # on its link, once it was sent
    deadline_ms: int = 0
    was_sent: bool = False
    session: int = 0
    place: Waiting | None = None
    counter: int = 0  # of the tag that a native session has put before the request; 0: none
    stamp: Stamp | None = None  # of that tag


@dataclass(slots=True)
class Outbox:
    """The calls to one member."""

    queued: deque[Call] = field(default_factory=deque)
    sent: dict[int, Call] = field(default_factory=dict)
    bytes_in_flight: int = 0
    last_id: int = 0

    def next_id(self) -> int:
        """Return an id that none of the calls on their way has."""
        identifier = self.last_id
        while True:
            identifier = (identifier + 1) & ID_MAX
            if identifier not in self.sent:
                self.last_id = identifier
                return identifier


class Calls:
    """All calls of a node."""

    def __init__(self) -> None:
        self._outboxes: dict[str, Outbox] = {}
        self._dirty: dict[str, None] = {}  # members with something to send, in order
        self.is_flush_due = False  # native sessions know by it that they need not ask for one

    @property
    def in_flight(self) -> int:
        """How many calls wait for an answer or to be sent."""
        return sum(len(box.sent) + len(box.queued) for box in self._outboxes.values())

    @property
    def dirty(self) -> list[str]:
        """The members for which `take_frame` may have a frame."""
        return list(self._dirty)

    @property
    def is_dirty(self) -> bool:
        """Whether there are such members."""
        return bool(self._dirty)

    def is_full(self, member: str) -> bool:
        """Return whether no more calls for that member can be queued."""
        box = self._outboxes.get(member)
        return box is not None and len(box.queued) >= QUEUE_CALLS_MAX

    def add(self, call: Call, now_ms: int) -> None:
        """Queue a call for its member."""
        member = call.member
        call.deadline_ms = now_ms + CALL_TIMEOUT_MS + len(call.request) // BULK_BYTES_PER_MS
        box = self._outboxes.get(member)
        if box is None:
            box = self._outboxes[member] = Outbox()
        box.queued.append(call)
        self._dirty[member] = None

    def take_frame(self, member: str) -> list[bytes] | None:
        """Return the pieces of a frame with the calls that may leave now, or None."""
        box = self._outboxes.get(member)
        records: list[Record] = []
        size_bytes = 0
        while box and box.queued and len(records) < RECORDS_MAX and size_bytes < FRAME_BYTES:
            call = box.queued[0]
            length = len(call.request)
            # A call larger than the window goes alone.
            if box.bytes_in_flight and box.bytes_in_flight + length > WINDOW_BYTES:
                break
            if records and size_bytes + length > FRAME_BYTES:
                break
            box.queued.popleft()
            call.id = box.next_id()
            call.was_sent = True
            box.sent[call.id] = call
            box.bytes_in_flight += length
            size_bytes += length
            records.append((call.id, call.word, call.request))
        if not records:
            self._dirty.pop(member, None)
            return None
        return encode_batch(Kind.CALLS, records)

    def take(self, member: str, call_id: int) -> Call | None:
        """Return the call that a result belongs to and forget it; None if nobody waits any more."""
        box = self._outboxes.get(member)
        call = box.sent.pop(call_id, None) if box else None
        if box and call:
            box.bytes_in_flight -= len(call.request)
            if box.queued:
                self._dirty[member] = None
        return call

    def take_results(self, member: str, frame: Frame) -> list[tuple[Call, int, bytes]]:
        """Return the calls that results belong to, each with its status and reply.

        Calls of native sessions, which exist in the native form of this class only, have had their
        replies already and are left out.

        Raises:
            LinkError: the frame is malformed.
        """
        taken = []
        for identifier, status, reply in decode_results(frame):
            call = self.take(member, identifier)
            if call is not None:  # else it is answered after its time
                taken.append((call, status, reply))
        return taken

    def take_all(self, member: str) -> list[Call]:
        """Return all calls of a member that is gone, in the order in which they were made."""
        box = self._outboxes.pop(member, None)
        self._dirty.pop(member, None)
        return [*box.sent.values(), *box.queued] if box else []

    def take_overdue(self, now_ms: int) -> list[Call]:
        """Return the calls whose time is over and forget them."""
        overdue = []
        for member, box in self._outboxes.items():
            # Calls of a member are answered in order, so only the oldest can be overdue first.
            for call in [call for call in box.sent.values() if call.deadline_ms <= now_ms]:
                overdue.append(call)
                self.take(member, call.id)
            while box.queued and box.queued[0].deadline_ms <= now_ms:
                overdue.append(box.queued.popleft())
        return overdue
