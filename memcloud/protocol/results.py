"""The replies that commands of one slot have had, so that one that is sent again runs once.

A gateway that gets no reply sends its command again, maybe to another owner. Each of its commands
has a counter, and each one sent tells the lowest counter that is still open at that gateway, its
*floor*. So what has to be kept is bounded by what is on its way, and by no time: a reply below the
floor is never asked for again, and a command below the floor that arrives late is not run.

What a slot remembers goes with its data: with every entry to its backups, and with every copy.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field

from .messages import Memory, Origin
from .table import Member


@dataclass(slots=True)
class _Remembered:
    floor: int = 0
    replies: dict[int, tuple[bytes, int]] = field(default_factory=dict)


class Results:
    """What one slot remembers."""

    __slots__ = ("_gateways",)

    def __init__(self) -> None:
        self._gateways: dict[Member, _Remembered] = {}

    def add(self, origin: Origin, reply: bytes, sequence: int) -> None:
        """Remember the reply to a command whose entry has that sequence number."""
        known = self._gateways.setdefault(origin.gateway, _Remembered())
        if origin.floor > known.floor:
            known.floor = origin.floor
            for counter in [each for each in known.replies if each < known.floor]:
                del known.replies[counter]
        known.replies[origin.counter] = (reply, sequence)

    def is_settled(self, gateway: Member, counter: int) -> bool:
        """Return whether the gateway has said that it no longer waits for that command."""
        known = self._gateways.get(gateway)
        return known is not None and counter < known.floor

    def find(self, gateway: Member, counter: int) -> tuple[bytes, int] | None:
        """Return the reply that a command has had, and the sequence number of its entry."""
        known = self._gateways.get(gateway)
        return None if known is None else known.replies.get(counter)

    def keep_only(self, members: Container[Member]) -> None:
        """Forget gateways that are gone; their commands are not run any more."""
        for gateway in [each for each in self._gateways if each not in members]:
            del self._gateways[gateway]

    def export(self) -> Memory:
        """Return all of it for another member."""
        return tuple(
            (
                gateway,
                known.floor,
                tuple((counter, reply) for counter, (reply, _) in known.replies.items()),
            )
            for gateway, known in self._gateways.items()
        )

    @classmethod
    def load(cls, memory: Memory) -> Results:
        """Return what another member has exported."""
        results = cls()
        for gateway, floor, replies in memory:
            results._gateways[gateway] = _Remembered(
                floor, {counter: (reply, 0) for counter, reply in replies}
            )
        return results
