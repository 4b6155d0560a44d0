"""The one door to native sessions, and to what they share with the others.

There are some where the parser and the store are native too.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol, cast

from memcloud.resp.parser import ACCELERATED as HAS_NATIVE_PARSER
from memcloud.store.engine import ACCELERATED as HAS_NATIVE_STORE

if TYPE_CHECKING:
    from collections import deque

    from memcloud.link.batch import Record
    from memcloud.resp import Limits, Parser

    from .clock import Clock
    from .commands.table import CommandTable
    from .stats import Statistics
    from .store import Store
    from .tags import Stamp, Tags


class FastSession(Protocol):
    """Runs hot commands of one client, and counts as `Traffic` does."""

    is_plain: bool
    is_closing: bool
    protocol: int
    database: int
    last_active_ms: int
    commands_processed: int
    bytes_received: int
    bytes_sent: int
    last_command: str
    replies: ReplyQueue

    def run(self) -> tuple[int, list[bytes]]:
        """Run what can be run of what the parser has; see `DONE` and its kin for the outcome."""


class Engine(Protocol):
    """What the fast sessions of a node share."""

    is_alone: bool  # all slots are this node's, and direct
    is_paused: bool
    lease_until_ms: int  # nothing may be run from then on
    batches_sent: int  # by native links
    batches_received: int

    def own(
        self,
        owners: Sequence[str | None],
        me: str,
        direct: bytearray,
        stamps: Sequence[Stamp | None],
    ) -> None:
        """Take note of who owns each slot.

        ``direct``: see `Serving.direct`; it is looked at every time. ``stamps``: see
        `Clustering.stamps`.
        """

    def drain(self, stats: Statistics) -> None:
        """Add what was counted since the last time to the statistics of the node."""

    def open(self, number: int, parser: Parser, replies: ReplyQueue) -> FastSession:
        """Return the session of that number, whose commands this parser reads."""

    def close(self, number: int) -> None:
        """Forget a session."""

    def send_answers(self, can_write: bool) -> dict[int, bool]:
        """Write the replies that have come from other members to the clients that wait for them.

        ``can_write``: no effect is left to be carried out, since it may be an earlier reply.
        Return the numbers of the sessions that have more to do than that, with whether they had no
        room for more commands before.
        """

    def flush(self) -> bool:
        """Send what was forwarded; return False if some of it is left for `Forwarding.flush`."""

    def serve(self, backlog: deque[Record]) -> bytes | None:
        """Run hot calls of another member from the front of a backlog.

        Return a frame with the results of some of them, None if the first one is not hot.
        """


ACCELERATED: Final = HAS_NATIVE_PARSER and HAS_NATIVE_STORE
"""Whether there are native sessions."""

# What a run of hot commands has come to.
DONE: Final = 0  # there is nothing more to do before more bytes are here
OTHER_COMMAND: Final = 1  # the next command is not one of them
MORE: Final = 2  # the turn is over


if TYPE_CHECKING or not ACCELERATED:
    from .cluster.calls import Call, Calls
    from .replies import ReplyQueue
else:
    _native = importlib.import_module("memcloud._calls_c")
    Call, Calls, ReplyQueue = _native.Call, _native.Calls, _native.ReplyQueue


def new_engine(
    commands: CommandTable, store: Store, clock: Clock, calls: Calls, limits: Limits, tags: Tags
) -> Engine | None:
    """Return an engine for a node; None if there are no native sessions.

    ``calls`` takes what its sessions forward, and ``tags`` numbers what is to run once; no string
    becomes longer than ``limits`` say.
    """
    if not ACCELERATED:
        return None
    native = importlib.import_module("memcloud._session_c")
    return cast("Engine", native.Engine(commands, store, clock, calls, limits, tags))


__all__ = [
    "ACCELERATED",
    "DONE",
    "MORE",
    "OTHER_COMMAND",
    "Call",
    "Calls",
    "Engine",
    "FastSession",
    "ReplyQueue",
    "new_engine",
]
