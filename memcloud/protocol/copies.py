"""The copy of one slot, as its primary and as its backups have it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .messages import Entry, Forward, Origin
from .results import Results
from .table import Member


@dataclass(slots=True)
class Stream:
    """The entries of a slot on their way to one other member, in order."""

    acked: int  # everything up to here is there
    attempt: int = 0  # 0: a backup of the table
    is_binding: bool = True  # replies wait for its acknowledgement
    entries: deque[Entry] = field(default_factory=deque)  # not acknowledged
    sent_ms: int = 0

    def take_ack(self, sequence: int) -> None:
        """Note what has arrived."""
        self.acked = max(self.acked, sequence)
        while self.entries and self.entries[0].sequence <= self.acked:
            self.entries.popleft()


@dataclass(slots=True)
class Unreleased:
    """A reply that waits until all that it saw is on all backups.

    ``release(True)`` sends it; ``release(False)`` says that this node has given the slot up before.
    """

    sequence: int
    release: Callable[[bool], None]


NO_RESULTS = Results()
"""Of slots that have nothing to remember, which are most; nothing is ever added to it."""


@dataclass(slots=True)
class Copy:
    """What a member knows about a slot that it holds, besides the data."""

    lineage: int
    sequence: int = 0  # of the last entry that is in the data
    results: Results = NO_RESULTS
    # At the primary:
    serve_ms: int = 0  # not before
    is_frozen: bool = False
    streams: dict[Member, Stream] = field(default_factory=dict)
    unreleased: list[Unreleased] = field(default_factory=list)  # in order
    waiting: list[tuple[Member, Forward]] = field(
        default_factory=list
    )  # for the end of a freeze or hold

    def remember(self, origin: Origin, reply: bytes, sequence: int) -> None:
        """See `Results.add`."""
        if self.results is NO_RESULTS:
            self.results = Results()
        self.results.add(origin, reply, sequence)

    @property
    def committed(self) -> int:
        """The last entry that all who must have it have."""
        committed = self.sequence
        for stream in self.streams.values():
            if stream.is_binding and stream.acked < committed:
                committed = stream.acked
        return committed

    @property
    def is_busy(self) -> bool:
        """Whether something is on its way."""
        return bool(self.unreleased) or any(stream.entries for stream in self.streams.values())
