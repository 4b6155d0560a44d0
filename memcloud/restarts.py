"""Commands that start again, because the member that was to run them is not their owner or gone.

A client may send many commands without waiting for their replies, and is promised that they take
effect in the order in which it sent them. Say that it writes a key twice:

1. both writes go to the owner, which refuses the first, since by its table it is not the owner;
2. the first starts again, by the table of then;
3. meanwhile the client sends a third write, for which the table of now names another member.

If the third ran before the first, the key would keep the older value for good. Therefore

- a session with a command that is to start again takes no more of its client's commands, until it
  has the replies to all that it has taken (`ReplyQueue.drain`). The same goes for a session whose
  commands are on their way when the table changes;
- of one session the commands start again one after the other, each when those before it have their
  replies.

What this leaves: of two writes that are on their way to one member at the same time, that member
may refuse the first and accept the second, since its own table changes in between or the first is
an MSET with a key that is not the member's. To prevent this it would have to know which calls are
of one client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .replies import Waiting
from .session import Session

if TYPE_CHECKING:
    from .pending import PendingCommand


class Restarts:
    """The commands of all sessions that are to start again, and when."""

    def __init__(self, sessions: Mapping[int, Session]) -> None:
        """``sessions`` are those of the clients that are still there."""
        self._sessions = sessions
        # By session and place, since a later command may be known first to have to start again.
        self._parked: dict[int, dict[Waiting, tuple[int, PendingCommand]]] = {}

    def add(self, session: Session, pending: PendingCommand, due_ms: int) -> None:
        """Let a command start again at that time, or when its turn comes after that."""
        if session.id in self._sessions:
            self._parked.setdefault(session.id, {})[pending.place] = due_ms, pending
            session.replies.drain()
        else:
            pending.forget()

    def wake(self) -> None:
        """Let all of them start again when their turn comes: what they wait for may be over."""
        for parked in self._parked.values():
            for place, (_, pending) in parked.items():
                parked[place] = 0, pending

    def has_work(self, now_ms: int) -> bool:
        """Whether `run` would start a command."""
        return any(self._first(number, now_ms) is not None for number in self._parked)

    @property
    def next_ms(self) -> int | None:
        """When the first of those whose turn it is can start; none if it is nobody's."""
        return min(
            (
                self._parked[number][session.replies.waiting[0]][0]
                for number in self._parked
                if (session := self._sessions.get(number)) is not None
                and session.replies.waiting
                and session.replies.waiting[0] in self._parked[number]
            ),
            default=None,
        )

    def run(self, now_ms: int) -> None:
        """Start the commands whose time and turn it is."""
        for number in list(self._parked):
            while (pending := self._first(number, now_ms)) is not None:
                del self._parked[number][pending.place]
                pending.start()
            session = self._sessions.get(number)
            if not self._parked[number] or session is None or not session.replies.waiting:
                for _, pending in self._parked.pop(number).values():
                    pending.forget()

    def _first(self, number: int, now_ms: int) -> PendingCommand | None:
        """Return the command of a session that can start, if there is one."""
        session = self._sessions.get(number)
        if session is None or not session.replies.waiting:  # gone, or given up
            return None
        due_ms, pending = self._parked[number].get(session.replies.waiting[0], (0, None))
        return pending if due_ms <= now_ms else None
