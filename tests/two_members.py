"""A native member of a cluster and a readable one, each with the same other member beside it.

The other one exists on the wire alone: it greets, and what it sends then is up to the test. Calls
and results may be framed differently, so records are compared and not frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import process_time
from typing import Any, Final

from memcloud.cluster.names import member_id
from memcloud.effects import CloseClient, CloseLink, ToClient, ToLink
from memcloud.link.batch import Record, decode_calls, decode_results
from memcloud.link.frames import FrameParser, Kind
from memcloud.link.messages import PROTOCOL_VERSION, Identity, encode_identity
from memcloud.net.clients import ClientProtocol
from memcloud.net.peers import PeerProtocol, PeerSockets
from memcloud.protocol.messages import Heartbeat, TableInForce
from memcloud.protocol.messages import Message as ProtocolMessage
from memcloud.protocol.table import Assignment, Member, found
from memcloud.targets import ring_targets

from .two_nodes import (
    Arrival,
    ListTransport,
    NativeSide,
    ReadableSide,
    Side,
    assert_equal,
    assert_same_answers,
)

HOST: Final = "127.0.0.1"
PEER_PORT: Final = 17000
# Of the keys of the fuzzer, a device of this name gets some (b) and leaves some (c).
_DEVICE: Final = "other18"
OTHER: Final = Identity(
    version=PROTOCOL_VERSION,
    cluster="default",
    device=_DEVICE,
    incarnation=1,
    id=member_id(_DEVICE, 1),
    name="other",
    bind=HOST,
    port=7000,
    peer_bind=HOST,
    peer_port=PEER_PORT,
    memory_bytes=1 << 30,
    uptime_ms=0,
    is_serving=True,
)
# What it says first on the link for its calls, and on that for its results.
_GREETINGS: Final = {
    False: encode_identity(Kind.HELLO, OTHER),
    True: encode_identity(Kind.WELCOME, OTHER),
}
_OTHER_MEMBER: Final = Member(OTHER.device, OTHER.incarnation)
_TURNS_MAX: Final = 1000

Answer = tuple[bytes, list[Record], list[Record], tuple[bool, ...]]
"""Replies, results, calls; and of client, link for calls and link for results, which is closed."""


@dataclass(frozen=True)
class PeerArrival(Arrival):
    """Bytes from the other member, on the link for its calls or on that for its results."""

    is_outgoing: bool = False


class _NoSocket:
    """Stands for the socket of a link, and cannot be written to."""

    def setsockopt(self, *arguments: object) -> None:
        """See `socket.socket.setsockopt`."""

    def fileno(self) -> int:
        """See `socket.socket.fileno`."""
        return -1


@dataclass
class Ear:
    """The other member's end of a link."""

    is_outgoing: bool
    written: list[bytes] = field(default_factory=list)
    parser: FrameParser = field(default_factory=FrameParser)
    is_closed: bool = True
    line: Any = None  # whatever the side takes bytes with

    def take_records(self) -> list[Record]:
        """Return the calls or results that have come since the last time."""
        for data in self.written:
            self.parser.feed(data)
        self.written.clear()
        records: list[Record] = []
        while (frame := self.parser.maybe_take()) is not None:
            if frame.kind is Kind.CALLS:
                records += decode_calls(frame)
            elif frame.kind is Kind.RESULTS:
                records += decode_results(frame)
        return records


class MemberSide(Side):
    """A node, its client, and its two links with the other member."""

    def __init__(self) -> None:
        super().__init__()
        self.incoming = Ear(is_outgoing=False)
        self.outgoing = Ear(is_outgoing=True)
        self.node.mesh.found(HOST, PEER_PORT)

    def dial(self, ear: Ear) -> None:
        """Open a link."""
        raise NotImplementedError

    def send_to(self, ear: Ear, data: bytes) -> None:
        """Let bytes of the other member arrive."""
        raise NotImplementedError

    def hang_up(self, ear: Ear) -> None:
        """Let a link end."""
        raise NotImplementedError

    @property
    def ears(self) -> tuple[Ear, Ear]:
        """Both links."""
        return self.incoming, self.outgoing

    @property
    def is_member(self) -> bool:
        """Whether the other one is in the table, and not known to be gone."""
        state = self.node.clustering.core.state
        assert state.table is not None
        return _OTHER_MEMBER in state.table and state.detector.is_alive(
            _OTHER_MEMBER, self.clock.now_ms()
        )

    def take_in(self) -> None:
        """Let the table be one with the other member, in which nothing is left to move.

        Of the two this node is the first and decides alone, so that it needs no acknowledgements.
        """
        table = self.node.clustering.core.table
        assert table is not None
        weights = {self.node.clustering.me: OTHER.memory_bytes, _OTHER_MEMBER: OTHER.memory_bytes}
        targets = ring_targets(tuple(weights.items()), 1)
        slots = [Assignment(primary) for (primary,) in targets]
        self._tell(TableInForce(found(table.cluster, table.epoch + 1, weights, slots)))

    def hear(self) -> None:
        """Let the other member give a sign of life."""
        epoch = self.node.clustering.core.state.epoch
        self._tell(Heartbeat(epoch, self.clock.now_ms(), False, False, False, 0, 1 << 30))

    def _tell(self, message: ProtocolMessage) -> None:
        clustering = self.node.clustering
        cluster = clustering.core.state.cluster
        clustering.core.on_message(self.clock.now_ms(), _OTHER_MEMBER, cluster, message)
        clustering.follow()
        self.carry_out()

    def link_up(self) -> None:
        """Open the links that are closed."""
        for ear in self.ears:
            ear.written.clear()
            ear.parser = FrameParser()
            if ear.is_closed:
                if ear.line is not None:
                    self.hang_up(ear)
                ear.is_closed = False
                self.dial(ear)
                self.send_to(ear, _GREETINGS[ear.is_outgoing])
                self.carry_out()
        if self.node.membership.is_alone:
            self.take_in()
        assert self.is_member

    def answers_of(self, arrivals: Sequence[Arrival]) -> list[Answer]:
        """Return what the client and the other member get to read after each arrival."""
        self.open()
        answers: list[Answer] = []
        for arrival in arrivals:
            if not isinstance(arrival, PeerArrival):
                self.send(arrival.data)
            else:
                self.send_to(self.outgoing if arrival.is_outgoing else self.incoming, arrival.data)
            self.has_stalled |= self.session.is_stalled
            replies = self.take_replies()
            if arrival.pause_ms:
                self.clock.advance(arrival.pause_ms)
                if self.is_member:
                    self.hear()
                self.node.tick()
                replies += self.take_replies()
            results, calls = (ear.take_records() for ear in self.ears)
            results.sort()  # they come in any order
            if self.incoming.is_closed:
                results = []  # those before a call that broke it off may be lost with it
            closed = (self.is_closed, self.incoming.is_closed, self.outgoing.is_closed)
            answers.append((replies, results, calls, closed))
        return answers

    def take_replies(self) -> bytes:
        """See `Side.take_replies`."""
        node = self.node
        self.flush()
        for _ in range(_TURNS_MAX):
            if not (node.clients.has_work or node.forwarding.has_work):
                break
            node.clients.run_turn()
            self.flush()
        else:
            raise AssertionError("there is no end of work")
        data = b"".join(self.received)
        self.received.clear()
        return data

    def flush(self) -> None:
        """Do what is due at the end of a turn of the loop."""
        self.node.flush()
        self.carry_out()

    def forget(self, known: Sequence[bytes]) -> None:
        """See `Side.forget`. Calls that are on their way are forgotten too."""
        super().forget(known)
        self.node.forwarding.calls.take_all(OTHER.id)
        self.node.restarts.run(self.clock.now_ms())
        self.node.membership.heard(OTHER.id)
        self.hear()


class _Client(ClientProtocol):
    """A client for whom nothing is planned; all is flushed after each arrival anyway."""

    def has_forwarded(self) -> None:
        """See `Port.has_forwarded`."""


class NativeMember(MemberSide, NativeSide):
    """Behind connections of `memcloud.net`."""

    protocol_type = _Client

    def __init__(self) -> None:
        super().__init__()
        self._peers = PeerSockets(self.node, self.carry_out)

    def dial(self, ear: Ear) -> None:
        """See `MemberSide.dial`."""
        protocol = PeerProtocol(self._peers, (HOST, PEER_PORT) if ear.is_outgoing else None)
        transport = ListTransport(ear.written, socket=_NoSocket(), peername=(HOST, 50000))
        ear.line = protocol, transport
        protocol.connection_made(transport)

    def send_to(self, ear: Ear, data: bytes) -> None:
        """See `MemberSide.send_to`."""
        protocol, transport = ear.line
        position = 0
        while position < len(data) and not transport.is_closing():
            place = memoryview(protocol.get_buffer(-1))
            size = min(len(place), len(data) - position)
            place[:size] = data[position : position + size]
            position += size
            protocol.buffer_updated(size)

    def hang_up(self, ear: Ear) -> None:
        """See `MemberSide.hang_up`."""
        ear.line[0].connection_lost(None)
        ear.line[1].close()

    def flush(self) -> None:
        """See `MemberSide.flush`."""
        self._sockets.flush()
        super().flush()

    def carry_out(self) -> None:
        """See `Side.carry_out`."""
        for effect in self.node.take_effects():
            match effect:
                case ToClient(number, data):
                    self._sockets.write(number, data)
                case CloseClient(number):
                    self._sockets.close_one(number)
                case ToLink(link, data):
                    self._peers.write(link, data)
                case CloseLink(link):
                    self._peers.close_one(link)
        self._peers.flush()
        self.is_closed = self._transport is not None and self._transport.is_closing()
        for ear in self.ears:
            ear.is_closed = ear.line is None or ear.line[1].is_closing()


class ReadableMember(MemberSide, ReadableSide):
    """Fed by hand."""

    def dial(self, ear: Ear) -> None:
        """See `MemberSide.dial`."""
        ear.line = self.node.mesh.opened(
            HOST, PEER_PORT if ear.is_outgoing else 50000, is_outgoing=ear.is_outgoing
        )
        self.carry_out()

    def send_to(self, ear: Ear, data: bytes) -> None:
        """See `MemberSide.send_to`."""
        if data and not ear.is_closed:
            self.node.mesh.received(ear.line, data)
            self.carry_out()

    def hang_up(self, ear: Ear) -> None:
        """See `MemberSide.hang_up`."""
        self.node.mesh.closed(ear.line)
        ear.is_closed = True
        self.carry_out()

    def is_within(self, ear: Ear) -> bool:
        """Whether a frame has begun on a link."""
        link = self.node.mesh.find(ear.line)
        return link is not None and link.parser.is_within

    def carry_out(self) -> None:
        """See `Side.carry_out`."""
        for effect in self.node.take_effects():
            match effect:
                case ToClient(_, data):
                    self.received.append(data)
                case CloseClient(_):
                    self.is_closed = True
                case ToLink(link, data):
                    self._ear(link).written.append(data)
                case CloseLink(link):
                    self._ear(link).is_closed = True

    def _ear(self, link: int) -> Ear:
        return next(ear for ear in self.ears if ear.line == link)


class TwoMembers:
    """One of either kind, kept from one comparison to the next unless it fails."""

    def __init__(self) -> None:
        self._kept: tuple[NativeMember, ReadableMember] | None = (NativeMember(), ReadableMember())

    def compare(self, arrivals: Sequence[Arrival], known: Sequence[bytes]) -> float:
        """As `TwoNodes.compare`, with what comes from the other member besides."""
        native, plain = self._kept or (NativeMember(), ReadableMember())
        self._kept = None
        native.link_up()
        plain.link_up()
        started = process_time()
        got = native.answers_of(arrivals)
        seconds = process_time() - started
        plain.sizes, native.sizes = native.sizes, deque()
        assert_same_answers(plain.answers_of(arrivals), got)
        assert_equal(plain, native, known)
        if not plain.is_member:  # it said goodbye, and may not come back under its id
            return seconds
        for mine, theirs in zip(plain.ears, native.ears, strict=True):
            if plain.is_within(mine):
                plain.hang_up(mine)
                native.hang_up(theirs)
        native.forget(known)
        plain.forget(known)
        self._kept = native, plain
        return seconds
