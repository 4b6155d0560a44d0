"""Clients that begin a request and do not end it.

Each of them has a place among ``maxclients``, and holds what it has sent so far, for as long as it
likes. So a request that has begun has to get on: within `PATIENCE_MS` the client has to send
`PROGRESS_BYTES` more or come to the end of a command, else it is cut off. Somebody who uploads a
large value over a bad line does, somebody who sends a byte a second does not. Who has sent whole
commands only may stay silent for ever, as with Redis.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .session import Session

PATIENCE_MS = 30_000
PROGRESS_BYTES = 1024
LOOK_EVERY_MS = 1000


@dataclass(slots=True)
class _Mark:
    """How far a client was when it had last got on."""

    since_ms: int
    bytes_received: int
    commands_processed: int

    def is_left_behind_by(self, session: Session) -> bool:
        return (
            session.traffic.commands_processed != self.commands_processed
            or session.traffic.bytes_received - self.bytes_received >= PROGRESS_BYTES
        )


class RequestDeadlines:
    """Watches the requests that have begun; looks once in `LOOK_EVERY_MS`."""

    def __init__(self) -> None:
        self._marks: dict[int, _Mark] = {}
        self._next_look_ms = 0

    def overdue(self, sessions: Iterable[Session], now_ms: int) -> list[Session]:
        """Return those of all sessions whose request does not get on."""
        if now_ms < self._next_look_ms:
            return []
        self._next_look_ms = now_ms + LOOK_EVERY_MS
        before, self._marks = self._marks, {}
        overdue = []
        for session in sessions:
            # Who is not read for now cannot get on.
            if not session.parser.buffered_bytes or session.is_stalled:
                continue
            mark = before.get(session.id)
            if mark is None or mark.is_left_behind_by(session):
                mark = _Mark(
                    now_ms, session.traffic.bytes_received, session.traffic.commands_processed
                )
            elif now_ms - mark.since_ms >= PATIENCE_MS:
                overdue.append(session)
            self._marks[session.id] = mark
        return overdue
