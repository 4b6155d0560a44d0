"""Numbers for commands of this node's clients that may have to be sent to other members again.

An owner that gets a command of a number which it has run already repeats the reply (`Results`). It
forgets replies to numbers below the lowest one that is still open here.
"""

from __future__ import annotations

from typing import NamedTuple

from memcloud.link.batch import Tag
from memcloud.protocol.table import Member


class Stamp(NamedTuple):
    """Whose number a command has, and for which data of its slot.

    Another run of this node, or a slot that was emptied meanwhile, knows nothing of it.
    """

    gateway: Member
    lineage: int  # see `Assignment.lineage`


class Tags:
    """The open numbers of a node."""

    def __init__(self) -> None:
        self._last = 0
        self._open: dict[int, None] = {}  # ascending

    def take(self) -> int:
        """Return a new number."""
        self._last += 1
        self._open[self._last] = None
        return self._last

    def tag(self, counter: int) -> Tag:
        """Return what goes with a command of an open number."""
        return counter, next(iter(self._open))

    def release(self, counter: int) -> None:
        """The command of that number will not be sent again."""
        self._open.pop(counter, None)
