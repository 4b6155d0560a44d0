"""What has happened to the cluster as this node saw it, for people: the last thousand events.

Each has a number, so that who has read some of them can ask for those that came after. A number is
never given twice in one run of the node, and a gap before the oldest says how many were forgotten.
"""

from __future__ import annotations

import logging
from collections import deque
from enum import StrEnum
from typing import NamedTuple

from .clock import Clock

logger = logging.getLogger(__name__)

EVENTS_MAX = 1000


class Kind(StrEnum):
    """What an event is about."""

    FOUNDED = "founded"  # a cluster
    JOINED = "joined"
    LEFT = "left"
    GONE = "gone"  # a process has ended
    GIVEN_UP = "given-up"
    SUSPECTED = "suspected"
    RECOVERED = "recovered"
    TABLE = "table"
    REBALANCE = "rebalance"
    MOVE_BEGUN = "move-begun"
    MOVE_DONE = "move-done"
    MOVE_ENDED = "move-ended"  # by a newer table, or because the other side said nothing
    MOVE_REFUSED = "move-refused"
    NO_ROOM = "no-room"
    LEAVING = "leaving"
    DISSOLVED = "dissolved"
    ISOLATED = "isolated"
    LEASE_LOST = "lease-lost"
    LEASE_REGAINED = "lease-regained"


# The others are too many for a log that a person reads.
_LEVELS = {
    Kind.TABLE: logging.DEBUG,
    Kind.MOVE_BEGUN: logging.DEBUG,
    Kind.MOVE_DONE: logging.DEBUG,
    Kind.MOVE_ENDED: logging.DEBUG,
    Kind.GIVEN_UP: logging.WARNING,
    Kind.SUSPECTED: logging.WARNING,
    Kind.MOVE_REFUSED: logging.WARNING,
    Kind.NO_ROOM: logging.WARNING,
    Kind.DISSOLVED: logging.WARNING,
    Kind.ISOLATED: logging.WARNING,
    Kind.LEASE_LOST: logging.WARNING,
}


class Event(NamedTuple):
    """One thing that has happened."""

    number: int  # from 1 on
    unix_ms: int
    kind: Kind
    text: str


class EventLog:
    """The last events, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        self._last_number = 0

    def note(self, kind: Kind, text: str) -> None:
        """Keep an event, and write the line of the log that it is worth."""
        self._last_number += 1
        self._events.append(Event(self._last_number, self._clock.unix_ms(), kind, text))
        logger.log(_LEVELS.get(kind, logging.INFO), "%s: %s", kind, text)

    def after(self, number: int) -> list[Event]:
        """Return the events that came after the one of that number, as far as they are kept."""
        return [event for event in self._events if event.number > number]
