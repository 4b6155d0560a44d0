"""A client's command that cannot be answered at once, because other members have to run it.

It keeps its place in the order of its session's replies. When a member goes away or turns out not
to own a slot, a command that was surely not run, or that only reads, starts again from the
beginning by the table then in force. So does a write of one slot that may have been run: its tag
lets the owner see that. If what the slot remembered is lost with its keys, or if a write had
several parts, it ends as UNKNOWN. Of one that was split by its keys only the parts start again that
were not run. (A pipelined read that starts again may thus see a later write of its own client. It
never sees an older value.)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from memcloud.commands.gather import Connect, Part
from memcloud.commands.table import Args, Command, Plan, Route
from memcloud.errors import CommandError, InternalError, TryAgainError, UnknownOutcomeError
from memcloud.link.batch import add_tag, database_of, is_no_touch, protocol_of, word_of_call
from memcloud.protocol.messages import Origin
from memcloud.resp import ErrorReply, ProtocolError, Reply, decode, encode, encode_request

from .fast import Call
from .replies import Waiting
from .routing import COPIED, ELSEWHERE, HELD, HERE, SPLIT, slots_of
from .session import Session
from .tags import Stamp

if TYPE_CHECKING:
    from .node import Node

logger = logging.getLogger(__name__)

# How long a command waits for its slot to have an owner again, and how often it asks: a slot that
# moves is back in no time, one whose owner has died takes seconds.
GIVE_UP_MS = 5000
RETRY_FIRST_MS = 5
RETRY_MS = 50


class PendingCommand:
    """One command on its way to one or several members."""

    __slots__ = (
        "_args",
        "_command",
        "_counter",
        "_database",
        "_give_up_ms",
        "_lost_parts",
        "_may_have_run",
        "_no_touch",
        "_node",
        "_protocol",
        "_retry_ms",
        "_session",
        "_stamp",
        "place",
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
        self.place = place
        self._give_up_ms = node.clock.now_ms() + GIVE_UP_MS
        self._retry_ms = RETRY_FIRST_MS
        self._lost_parts: list[tuple[PartSink, Args]] = []  # which start again instead of it
        # Of a write of one slot with copies, once it was sent.
        self._counter = 0
        self._stamp: Stamp | None = None
        self._may_have_run = False

    def run_as(self, call: Call) -> None:
        """Run it as a call says that was made when the session had, perhaps, another database."""
        self._database, self._protocol = database_of(call.word), protocol_of(call.word)
        self._no_touch = is_no_touch(call.word)
        self._counter, self._stamp = call.counter, call.stamp

    def start(self) -> None:
        """Send it, or those parts of it that were lost, where they have to run now."""
        if self._lost_parts:
            lost, self._lost_parts = self._lost_parts, []
            for sink, args in lost:
                self._start_part(sink, args)
            return
        try:
            destination = self._node.router.destination(self._command, self._args)
        except CommandError as error:
            self.finish_with_error(error)
            return
        self.start_at(destination)

    def start_at(self, destination: str) -> None:
        """Send it where the router said that it has to run."""
        if destination == SPLIT:
            Gathering(self, self.plan(self._args), self.finish_with).start()
        elif self._may_have_run and not self._is_remembered:
            self.finish_with_error(UnknownOutcomeError("the owner of the key"))
        elif destination == COPIED or (destination == HERE and self._may_have_run):
            self._run_copied(self._command, self._args, self._protocol, self)
        elif destination == HERE:
            self.finish(self._serve(self._args, self._protocol))
        elif destination == HELD:
            self.lost(was_run=False)
        else:
            self._tag()
            self.send(destination, self._args, self._protocol, self)

    @property
    def me(self) -> str:
        """The id of this node."""
        return self._node.membership.me.id

    def plan(self, args: Args) -> Plan:
        """Return a plan of the command with these arguments."""
        assert self._command.gather is not None
        return self._command.gather(self._node.context_of(self._session), args)

    def _start_part(self, sink: PartSink, args: Args) -> None:
        """Send a lost part where it has to run now, which may be to several members."""
        if self._command.keys is None:
            self._start_again_at(sink, args)
            return
        destination = self._node.router.destination(self._command, args)
        if destination == SPLIT:
            Gathering(self, self.plan(args), sink.deliver).start()
        elif destination in (HERE, COPIED, HELD):
            self.run_here(args, sink)
        else:
            self.send(destination, args, 3, sink)

    def _start_again_at(self, sink: PartSink, args: Args) -> None:
        """Send a part of a command on all keys to the member that it is for."""
        if sink.member == self.me:
            self.run_here(args, sink)
        elif self._node.membership.find(sink.member) is not None:
            self.send(sink.member, args, 3, sink)
        else:
            sink.deliver(self.refused(TryAgainError("a member has gone meanwhile")))

    def part_lost(self, sink: PartSink, args: Args, was_run: bool) -> None:
        """Let a part start again if that may be, else tell the plan of it."""
        error = self._why_over(was_run)
        if error is not None:
            sink.deliver(self.refused(error))
        elif self._command.keys is None and not self._is_everywhere:
            sink.gathering.give_up()  # by the table of now it may have other parts
            self._restart()
        else:
            self._lost_parts.append((sink, args))
            self._restart()

    @property
    def _is_everywhere(self) -> bool:
        """Whether it changes all keys, and must do so once on each member, as SWAPDB must."""
        return self._command.is_write and self._command.route is Route.GATHER

    def send(self, member: str, args: Args, protocol: int, sink: PendingCommand | PartSink) -> None:
        """Call a member."""
        is_tagged = sink is self and self._stamp is not None
        word = word_of_call(self._database, protocol, no_touch=self._no_touch, is_tagged=is_tagged)
        request = encode_request(args)
        if is_tagged:
            request = add_tag(self._node.tags.tag(self._counter), request)
        self._node.call(Call(member, word, request, sink))

    def _tag(self) -> None:
        """Give a write of one slot with copies a number before it is sent for the first time.

        Without them, what the owner remembers is mostly lost with the owner.
        """
        if self._stamp is not None or not self._command.is_write:
            return
        slots = slots_of(self._command, self._args)
        if len(slots) == 1 and self._node.clustering.has_copies(slot := slots.pop()):
            self._counter = self._node.tags.take()
            self._stamp = self._node.clustering.stamp_of(slot)

    @property
    def _is_remembered(self) -> bool:
        """Whether the owner of the slot knows if it has been run."""
        if self._stamp is None:
            return False
        (slot,) = slots_of(self._command, self._args)
        return self._stamp == self._node.clustering.stamp_of(slot)

    def forget(self) -> None:
        """It will not be sent again."""
        if self._stamp is not None:
            self._node.tags.release(self._counter)

    def run_here(self, args: Args, sink: PartSink) -> None:
        """Run a part of a plan on this node."""
        node = self._node
        command = node.dispatcher.find(args, is_authenticated=True, is_peer=True)
        state = node.router.state_here(command, args)
        if state == HERE:
            sink.deliver(decode(self._serve(args, 3)))
        elif state == COPIED:
            self._run_copied(command, args, 3, sink)
        else:
            assert state in (HELD, ELSEWHERE)
            sink.lost(was_run=False)

    def _run_copied(
        self, command: Command, args: Args, protocol: int, sink: PendingCommand | PartSink
    ) -> None:
        """Run a command on slots that others have copies of."""
        origin = None
        if sink is self and self._stamp is not None:
            origin = Origin(self._stamp.gateway, *self._node.tags.tag(self._counter))
        self._node.replication.run(
            command, args, self._database, lambda: self._serve(args, protocol), sink, origin
        )

    def _serve(self, args: Args, protocol: int) -> bytes:
        return self._node.serve(args, self._database, protocol, no_touch=self._no_touch)

    def finish(self, data: bytes) -> None:
        """Give the session its reply."""
        self.forget()
        self._node.clients.completed(self._session, self.place, data)

    def finish_with(self, reply: Reply) -> None:
        """Give the session a reply that is not encoded yet."""
        self.finish(encode(reply, self._protocol))

    def finish_with_error(self, error: CommandError) -> None:
        """Tell the client why there is no result."""
        self.finish_with(self.refused(error))

    def refused(self, error: CommandError) -> ErrorReply:
        """Count an error and return its reply."""
        return self._node.dispatcher.refuse(error)

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
        self._may_have_run |= was_run and self._command.is_write
        error = self._why_over(was_run and not self._is_remembered)
        if error is not None:
            self.finish_with_error(error)
        else:
            self._restart()

    def _why_over(self, was_run: bool) -> CommandError | None:
        """Return why what was lost cannot start again, None if it can."""
        self._node.stats.forwarded_failed += 1
        is_late = self._node.clock.now_ms() >= self._give_up_ms
        if self._command.is_write and (was_run or (is_late and self._may_have_run)):
            return UnknownOutcomeError("the owner of the key")
        if is_late:
            return TryAgainError("the owner of the key is changing")
        return None

    def _restart(self) -> None:
        self._node.restarts.add(self._session, self, self._node.clock.now_ms() + self._retry_ms)
        self._retry_ms = min(2 * self._retry_ms, RETRY_MS)


class Gathering:
    """The run of a plan: its parts go out together, and their replies back into it."""

    def __init__(
        self, pending: PendingCommand, plan: Plan, outcome: Callable[[Reply], None]
    ) -> None:
        """``outcome(reply)`` is called with what the plan returns or raises."""
        self.pending = pending
        self._plan = plan
        self._outcome = outcome
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

    def give_up(self) -> None:
        """Take no more replies; the plan has no outcome."""
        self._is_over = True
        self._plan.close()

    @property
    def is_over(self) -> bool:
        """Whether the plan has its outcome, or never will."""
        return self._is_over

    def _advance(self, replies: Sequence[Reply] | None) -> None:
        while not self._is_over:
            try:
                parts = next(self._plan) if replies is None else self._plan.send(replies)
            except StopIteration as end:
                self._finish(end.value)
                return
            except CommandError as error:
                self._finish(self.pending.refused(error))
                return
            except Exception:
                logger.exception("a command over several members failed")
                self._finish(self.pending.refused(InternalError()))
                return
            replies = self._run(parts)
            if replies is None:
                return

    def _finish(self, reply: Reply) -> None:
        self._is_over = True
        self._outcome(reply)

    def _run(self, parts: Sequence[Part | Connect]) -> Sequence[Reply] | None:
        """Start the parts; return their replies if all are here already."""
        self._replies = [None] * len(parts)
        # One more than there are, so that replies that come at once do not advance the plan.
        self._missing = len(parts) + 1
        pending = self.pending
        for index, part in enumerate(parts):
            if isinstance(part, Connect):
                pending.connect(part.host, part.port, PartSink(self, index))
            elif part.member == pending.me:
                pending.run_here(part.args, PartSink(self, index, part.member, part.args))
            else:
                sink = PartSink(self, index, part.member, part.args)
                pending.send(part.member, part.args, 3, sink)
        self._missing -= 1
        return None if self._missing or self._is_over else self._replies


class PartSink:
    """Takes the reply to one part of a plan."""

    __slots__ = ("_args", "_index", "gathering", "member")

    def __init__(self, gathering: Gathering, index: int, member: str = "", args: Args = ()) -> None:
        self.gathering = gathering
        self.member = member
        self._index = index
        self._args = args

    def deliver(self, reply: Reply) -> None:
        """Take a decoded reply."""
        self.gathering.deliver(self._index, reply)

    def answered(self, reply: bytes) -> None:
        """See `Sink.answered`."""
        try:
            self.deliver(decode(reply))
        except ProtocolError as error:
            self.deliver(ErrorReply(f"ERR a peer sent a reply that is none: {error}"))

    def lost(self, was_run: bool) -> None:
        """See `Sink.lost`."""
        if not self.gathering.is_over:
            self.gathering.pending.part_lost(self, self._args, was_run)
