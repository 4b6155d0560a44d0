"""A client's command that cannot be answered at once, because other members have to run it.

It keeps its place in the order of its session's replies. When a member goes away or turns out not
to own a slot, a command that was surely not run, or that only reads, starts again from the
beginning by the table then in force; a write that may have been run ends as UNKNOWN. (A pipelined
read that starts again may thus see a later write of its own client. It never sees an older value.)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from memcloud.commands.gather import Connect, Part
from memcloud.commands.table import Args, Command, Plan
from memcloud.errors import CommandError, InternalError, TryAgainError, UnknownOutcomeError
from memcloud.link.batch import word_of_call
from memcloud.resp import ErrorReply, ProtocolError, Reply, decode, encode, encode_request

from .fast import Call
from .replies import Waiting
from .routing import HERE, SPLIT
from .session import Session

if TYPE_CHECKING:
    from .node import Node

logger = logging.getLogger(__name__)

# How long a command waits for its slot to have an owner again, and how often it asks.
GIVE_UP_MS = 5000
RETRY_MS = 50


class PendingCommand:
    """One command on its way to one or several members."""

    __slots__ = (
        "_args",
        "_command",
        "_database",
        "_gathering",
        "_give_up_ms",
        "_no_touch",
        "_node",
        "_place",
        "_protocol",
        "_session",
    )

    def __init__(
        self, node: Node, session: Session, command: Command, args: Args, place: Waiting
    ) -> None:
        """``place`` is that of its reply in the session."""
        self._node = node
        self._session = session
        self._command = command
        self._args = args
        self._database = session.database
        self._protocol = session.protocol
        self._no_touch = session.no_touch
        self._place = place
        self._give_up_ms = node.clock.now_ms() + GIVE_UP_MS
        self._gathering: Gathering | None = None

    def start(self) -> None:
        """Send it where it has to run now; start it again if that has changed."""
        try:
            destination = self._node.router.destination(self._command, self._args)
        except CommandError as error:
            self.finish_with_error(error)
            return
        self.start_at(destination)

    def start_at(self, destination: str) -> None:
        """Send it where the router said that it has to run."""
        if destination == SPLIT:
            self._gathering = Gathering(self)
            self._gathering.start()
        elif destination == HERE:
            self.finish(self._serve(self._args, self._protocol))
        else:
            self.send(destination, self._args, self._protocol, self)

    @property
    def me(self) -> str:
        """The id of this node."""
        return self._node.membership.me.id

    def plan(self) -> Plan:
        """Return a fresh plan of the command."""
        assert self._command.gather is not None
        return self._command.gather(self._node.context_of(self._session), self._args)

    def send(self, member: str, args: Args, protocol: int, sink: PendingCommand | PartSink) -> None:
        """Call a member."""
        word = word_of_call(self._database, protocol, no_touch=self._no_touch)
        self._node.call(Call(member, word, encode_request(args), sink))

    def run_here(self, args: Args) -> Reply:
        """Run a part of the plan on this node."""
        return decode(self._serve(args, 3))

    def _serve(self, args: Args, protocol: int) -> bytes:
        return self._node.serve(args, self._database, protocol, no_touch=self._no_touch)

    def finish(self, data: bytes) -> None:
        """Give the session its reply."""
        self._node.clients.completed(self._session, self._place, data)

    def finish_with(self, reply: Reply) -> None:
        """Give the session a reply that is not encoded yet."""
        self.finish(encode(reply, self._protocol))

    def finish_with_error(self, error: CommandError) -> None:
        """Tell the client why there is no result."""
        self.finish_with(self._node.dispatcher.refuse(error))

    def connect(self, host: str, port: int, sink: PartSink) -> None:
        """Link up with a peer that a person named."""

        def outcome(why_not: str | None) -> None:
            sink.deliver("OK" if why_not is None else ErrorReply(f"ERR {why_not}"))

        self._node.mesh.connect(host, port, outcome)

    def answered(self, reply: bytes) -> None:
        """See `Sink.answered`: the owner's bytes are the client's reply."""
        self.finish(reply)

    def lost(self, was_run: bool) -> None:
        """See `Sink.lost`."""
        self._gathering = None
        self._node.stats.forwarded_failed += 1
        if was_run and self._command.is_write:
            self.finish_with_error(UnknownOutcomeError("the owner of the key"))
        elif self._node.clock.now_ms() >= self._give_up_ms:
            self.finish_with_error(TryAgainError("the owner of the key is changing"))
        elif self._session.id in self._node.sessions:
            self._node.start_later(self, RETRY_MS)


class Gathering:
    """The run of a plan: its parts go out together, and their replies back into it."""

    def __init__(self, pending: PendingCommand) -> None:
        self._pending = pending
        self._plan = pending.plan()
        self._replies: list[Reply] = []
        self._missing = 0
        self._is_over = False

    def start(self) -> None:
        """Run the plan as far as it goes without waiting."""
        self._advance(None)

    def deliver(self, index: int, reply: Reply) -> None:
        """Take the reply to one part."""
        if self._is_over:
            return
        self._replies[index] = reply
        self._missing -= 1
        if not self._missing:
            self._advance(self._replies)

    def lost(self, was_run: bool) -> None:
        """Give the run up: one of its members is gone."""
        if not self._is_over:
            self._is_over = True
            self._plan.close()
            self._pending.lost(was_run)

    def _advance(self, replies: Sequence[Reply] | None) -> None:
        while not self._is_over:
            try:
                parts = next(self._plan) if replies is None else self._plan.send(replies)
            except StopIteration as end:
                self._is_over = True
                self._pending.finish_with(end.value)
                return
            except CommandError as error:
                self._is_over = True
                self._pending.finish_with_error(error)
                return
            except Exception:
                logger.exception("a command over several members failed")
                self._is_over = True
                self._pending.finish_with_error(InternalError())
                return
            replies = self._run(parts)
            if replies is None:
                return

    def _run(self, parts: Sequence[Part | Connect]) -> Sequence[Reply] | None:
        """Start the parts; return their replies if all are here already."""
        self._replies = [None] * len(parts)
        # One more than there are, so that replies that come at once do not advance the plan.
        self._missing = len(parts) + 1
        me = self._pending.me
        for index, part in enumerate(parts):
            if isinstance(part, Connect):
                self._pending.connect(part.host, part.port, PartSink(self, index))
            elif part.member == me:
                self.deliver(index, self._pending.run_here(part.args))
            else:
                self._pending.send(part.member, part.args, 3, PartSink(self, index))
        self._missing -= 1
        return None if self._missing or self._is_over else self._replies


class PartSink:
    """Takes the reply to one part of a plan."""

    __slots__ = ("_gathering", "_index")

    def __init__(self, gathering: Gathering, index: int) -> None:
        self._gathering = gathering
        self._index = index

    def deliver(self, reply: Reply) -> None:
        """Take a decoded reply."""
        self._gathering.deliver(self._index, reply)

    def answered(self, reply: bytes) -> None:
        """See `Sink.answered`."""
        try:
            self.deliver(decode(reply))
        except ProtocolError as error:
            self.deliver(ErrorReply(f"ERR a peer sent a reply that is none: {error}"))

    def lost(self, was_run: bool) -> None:
        """See `Sink.lost`."""
        self._gathering.lost(was_run)
