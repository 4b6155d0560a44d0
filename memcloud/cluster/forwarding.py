"""Calls between this node and the others: sending its own, and running those of others."""

from __future__ import annotations

import logging
from collections.abc import Callable

from memcloud.clock import Clock
from memcloud.errors import UnknownOutcomeError
from memcloud.fast import Call, Calls, Engine
from memcloud.link.batch import (
    DONE,
    NOT_OWNER,
    RECORDS_MAX,
    Record,
    decode_calls,
    encode_batch,
    is_tagged,
    protocol_of,
    split_tag,
)
from memcloud.link.frames import FRAME_BYTES_MAX, Frame, Kind, LinkError
from memcloud.protocol.messages import Origin
from memcloud.protocol.table import Member
from memcloud.resp import ErrorReply, Parser, ProtocolError, encode
from memcloud.stats import Statistics

from .calls import FRAME_BYTES, Sink
from .membership import Membership
from .mesh import Link, Mesh

logger = logging.getLogger(__name__)

# What the calls of one link may produce before the others have their turn.
TURN_BYTES = 4 * 1024 * 1024
REPLY_BYTES_MAX = FRAME_BYTES_MAX - 2 * FRAME_BYTES
REQUEST_BYTES_MAX = FRAME_BYTES_MAX - FRAME_BYTES

# Runs a command of another node here, as the word of the call says; the sink learns its reply, now
# or later, or that it cannot be run here. One with an origin runs once, however often it comes.
Serve = Callable[[list[bytes], int, Origin | None, Sink], None]


class ResultSink:
    """Takes the outcome of a call of another member."""

    __slots__ = ("_forwarding", "_identifier", "_link", "_word")

    def __init__(self, forwarding: Forwarding, link: Link, identifier: int, word: int) -> None:
        self._forwarding = forwarding
        self._link = link
        self._identifier = identifier
        self._word = word

    def answered(self, reply: bytes) -> None:
        """See `Sink.answered`."""
        if len(reply) > REPLY_BYTES_MAX:
            too_large = ErrorReply("ERR the reply is too large to be forwarded")
            reply = encode(too_large, protocol_of(self._word))
        self._forwarding.add_result(self._link, (self._identifier, DONE, reply))

    def lost(self, was_run: bool) -> None:
        """See `Sink.lost`."""
        if was_run:
            error = ErrorReply(str(UnknownOutcomeError("the owner of the key")))
            self.answered(encode(error, protocol_of(self._word)))
        else:
            self._forwarding.add_result(self._link, (self._identifier, NOT_OWNER, b""))


class Forwarding:
    """The calls of a node, in both directions."""

    def __init__(
        self,
        membership: Membership,
        mesh: Mesh,
        clock: Clock,
        stats: Statistics,
        serve: Serve,
        calls: Calls,
        engine: Engine | None,
        lost_session_call: Callable[[Call, bool], None],
    ) -> None:
        """Native sessions add to ``calls`` by themselves.

        ``lost_session_call(call, was_run)`` is told when one of theirs has no outcome.
        """
        self._membership = membership
        self._mesh = mesh
        self._clock = clock
        self._stats = stats
        self._serve = serve
        self._lost_session_call = lost_session_call
        self.calls = calls
        self._engine = engine
        self._requests = _parser()
        self._backlogs: dict[int, Link] = {}  # links with calls that wait for their turn
        self._answered: dict[int, Link] = {}  # links with results that are not sent yet

    @property
    def in_flight(self) -> int:
        """How many of this node's calls have no outcome yet."""
        return self.calls.in_flight

    @property
    def has_work(self) -> bool:
        """Whether `flush` may have something to send, or `run_turn` to run."""
        return (
            (self.calls.is_dirty and any(self._mesh.link_to(each) for each in self.calls.dirty))
            or bool(self._answered)
            or any(not link.is_output_paused for link in self._backlogs.values())
        )

    def call(self, call: Call) -> None:
        """Queue a call; it leaves with the next `flush`."""
        if self._membership.find(call.member) is None or self.calls.is_full(call.member):
            self._lost(call, was_run=False)
            return
        if len(call.request) > REQUEST_BYTES_MAX:
            assert call.sink is not None, "native sessions forward small commands only"
            call.sink.answered(b"-ERR the command is too large to be forwarded\r\n")
            return
        self._stats.forwarded_out += 1
        self.calls.add(call, self._clock.now_ms())

    def run_turn(self) -> None:
        """Run some more of the calls of each link whose other side reads the replies."""
        for link in list(self._backlogs.values()):
            if not self._mesh.is_open(link):
                del self._backlogs[link.id]
                continue
            try:
                self._run(link)
            except LinkError as error:
                self._mesh.break_off(link, error)

    def flush(self) -> None:
        """Send what is queued, as much as each peer's window takes."""
        self.calls.is_flush_due = False
        for member in self.calls.dirty:
            link = self._mesh.link_to(member)
            if link is None:  # broken; it is dialled again, or the member given up
                continue
            while (frame := self.calls.take_frame(member)) is not None:
                self._mesh.send(link, *frame)
        for link in list(self._answered.values()):
            self._send_results(link)

    def handle(self, link: Link, frame: Frame) -> None:
        """Take a CALLS or RESULTS frame."""
        if frame.kind is Kind.CALLS:
            records = decode_calls(frame)
            frame.payload = b""  # large ones are not to be here once more while they run
            self._take(link, records)
        else:
            assert link.member is not None
            self.finish(self.calls.take_results(link.member, frame))

    def take(self, link_id: int, records: list[Record]) -> None:
        """Take calls out of a frame whose others have been run natively."""
        link = self._mesh.find(link_id)
        if link is not None:
            self._take(link, records)

    def finish(self, results: list[tuple[Call, int, bytes]]) -> None:
        """End calls of this node with their status and reply."""
        for call, status, reply in results:
            if call.sink is None or status != DONE:
                self._lost(call, was_run=False)
            else:
                call.sink.answered(reply)

    def link_lost(self, member: str) -> None:
        """The link to a member broke: what was sent has no outcome, what was not may still go."""
        for call in self.calls.take_all(member):
            if call.was_sent or self._membership.find(member) is None:
                self._lost(call, was_run=call.was_sent)
            else:
                self.calls.add(call, self._clock.now_ms())

    def member_lost(self, member: str) -> None:
        """A member was given up."""
        for call in self.calls.take_all(member):
            self._lost(call, was_run=call.was_sent)

    def tick(self) -> None:
        """End the calls whose time is over."""
        for call in self.calls.take_overdue(self._clock.now_ms()):
            logger.warning("a call to %s was not answered in time", call.member)
            self._lost(call, was_run=call.was_sent)

    def _take(self, link: Link, records: list[Record]) -> None:
        link.backlog.extend(records)
        if link.id not in self._backlogs:
            self._backlogs[link.id] = link
            try:
                self._run(link)
            except LinkError as error:
                self._mesh.break_off(link, error)

    def _lost(self, call: Call, *, was_run: bool) -> None:
        if call.sink is None:
            self._lost_session_call(call, was_run)
        else:
            call.sink.lost(was_run)

    def _run(self, link: Link) -> None:
        """Run calls up to the length of a turn; the rest stays in the backlog."""
        turn_bytes = 0
        while link.backlog and not link.is_output_paused and turn_bytes < TURN_BYTES:
            # One with a tag is none for native code, which would look at it in vain.
            engine = None if is_tagged(link.backlog[0][1]) else self._engine
            if engine is not None and (frame := engine.serve(link.backlog)):
                self._mesh.send(link, frame)
                turn_bytes += len(frame)
                continue
            turn_bytes += self._run_one(link)
        self._send_results(link)
        if not link.backlog:
            del self._backlogs[link.id]

    def _run_one(self, link: Link) -> int:
        """Run the next call of the backlog; return the size of its reply, if it has one now."""
        identifier, word, request = link.backlog.popleft()
        tag, request = split_tag(word, request)
        self._requests.feed(request)
        is_large = len(request) > FRAME_BYTES
        del request  # the parser may have made a copy, and the store is to make one
        args = self._take_request(is_large=is_large)
        self._stats.forwarded_in += 1
        assert link.identity is not None
        gateway = Member(link.identity.device, link.identity.incarnation)
        origin = Origin(gateway, *tag) if tag is not None else None
        before = len(link.results)
        self._serve(args, word, origin, ResultSink(self, link, identifier, word))
        return sum(len(reply) for _, _, reply in link.results[before:])

    def add_result(self, link: Link, result: Record) -> None:
        """Send a result with the others of this turn."""
        if self._mesh.is_open(link):
            link.results.append(result)
            self._answered[link.id] = link

    def _send_results(self, link: Link) -> None:
        """Send what there is, in frames of the right size."""
        self._answered.pop(link.id, None)
        results, link.results = link.results, []
        batch: list[Record] = []
        size_bytes = 0
        for result in results:
            batch.append(result)
            size_bytes += len(result[2])
            if size_bytes >= FRAME_BYTES or len(batch) == RECORDS_MAX:
                self._mesh.send(link, *encode_batch(Kind.RESULTS, batch))
                batch, size_bytes = [], 0
        if batch:
            self._mesh.send(link, *encode_batch(Kind.RESULTS, batch))

    def _take_request(self, *, is_large: bool) -> list[bytes]:
        """Return the arguments of the request in the parser, which has to be one and no more."""
        parser = self._requests
        try:
            args = parser.take()
        except ProtocolError as error:
            self._requests = _parser()
            raise LinkError(f"call that is no command: {error}") from error
        is_one = args is not None and not parser.buffered_bytes
        if is_large or not is_one:  # what is left of it would be kept
            self._requests = _parser()
        if args is None or not is_one:
            raise LinkError("call of more or less than one command")
        return args


def _parser() -> Parser:
    parser = Parser()
    parser.limits.bulk_bytes_max = FRAME_BYTES_MAX
    return parser
