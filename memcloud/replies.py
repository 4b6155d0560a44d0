"""The replies of one session, in the order of its commands.

While a command waits for another member its place is held in ``waiting``, and the replies to later
ones queue behind it. What is ready gathers in ``output``. A native session has a queue of its own
with these same methods.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

# Commands of one client that may wait for peers before no more of its input is taken, and what they
# may hold: their own bytes until they are answered, then their replies.
WAITING_MAX: Final = 1024
WAITING_BYTES_MAX: Final = 8 * 1024 * 1024
# How large replies will be is not known before, so the first commands are few, and it is one more
# with each reply of which so many would fit.
WAITING_FIRST: Final = 8


@dataclass(slots=True, eq=False)
class Waiting:
    """The place of a reply in the order of its session; ``data`` is None until it is there."""

    data: bytes | None = None
    is_silent: bool = False  # CLIENT REPLY said that it shall not be sent
    size_bytes: int = 0  # of what it keeps in memory


@dataclass(slots=True)
class ReplyQueue:
    """What a session has said and has still to say."""

    output: list[bytes] = field(default_factory=list)
    waiting: deque[Waiting] = field(default_factory=deque)
    waiting_bytes: int = 0
    waiting_max: int = WAITING_FIRST

    @property
    def is_full(self) -> bool:
        """Whether no more commands should be run before some of those that wait are answered."""
        return len(self.waiting) >= self.waiting_max or self.waiting_bytes >= WAITING_BYTES_MAX

    def answer(self, data: bytes) -> None:
        """Queue the reply to the command that has just run."""
        if self.waiting:
            self.waiting.append(Waiting(data, size_bytes=len(data)))
            self.waiting_bytes += len(data)
        else:
            self.output.append(data)

    def hold_place(self, size_bytes: int, *, is_silent: bool) -> Waiting:
        """Keep the place of a reply that comes later; give it to `deliver` then.

        ``size_bytes``: of the command, which is kept as long.
        """
        place = Waiting(is_silent=is_silent, size_bytes=size_bytes)
        self.waiting.append(place)
        self.waiting_bytes += size_bytes
        return place

    def deliver(self, place: Waiting, data: bytes) -> None:
        """Put a reply in its place, and move those whose turn has come to the output."""
        if not self.waiting:  # given up meanwhile
            return
        if self.waiting_max:
            fitting = max(1, WAITING_BYTES_MAX // max(1, len(data)))
            self.waiting_max = min(self.waiting_max + 1, fitting, WAITING_MAX)
        self.waiting_bytes += len(data) - place.size_bytes
        place.data, place.size_bytes = data, len(data)
        waiting = self.waiting
        while waiting and (ready := waiting[0].data) is not None:
            place = waiting.popleft()
            self.waiting_bytes -= place.size_bytes
            if not place.is_silent:
                self.output.append(ready)
        if not waiting and not self.waiting_max:
            self.waiting_max = WAITING_FIRST

    def drain(self) -> None:
        """Take no more commands before all that wait are answered."""
        if self.waiting:
            self.waiting_max = 0

    def forget_waiting(self) -> None:
        """Give up the replies that are not there yet, and those behind them."""
        self.waiting.clear()
        self.waiting_bytes = 0
