"""The links to the other nodes: dialling, greeting, and knowing when a process is gone.

Every node dials every other, and on a link only the dialler asks. So between two members there
are two links, one for the calls of each, and neither waits for the other. Who is a member is not
decided here: see `memcloud.protocol`, whose messages travel on the links.

A process is gone when its link broke and its port refuses a new one, or when it has said so.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from memcloud.chance import Random
from memcloud.clock import Clock
from memcloud.effects import CloseLink, Dial, Effect, Stop, ToLink
from memcloud.link.batch import Record
from memcloud.link.frames import (
    FRAME_BYTES_MAX,
    GREETING_BYTES_MAX,
    Frame,
    FrameParser,
    Kind,
    LinkError,
)
from memcloud.link.messages import (
    Heartbeat,
    Identity,
    Refusal,
    Refused,
    decode_heartbeat,
    decode_identity,
    decode_refused,
    encode_goodbye,
    encode_heartbeat,
    encode_identity,
    encode_refused,
)
from memcloud.seldom import SELDOM

from .addresses import Address, AddressBook, Outcome
from .greeting import STARTING_MS, judge, name_taken
from .member import WILDCARDS
from .membership import Membership

logger = logging.getLogger(__name__)

HEARTBEAT_MS = 500
GREETING_TIMEOUT_MS = 5000
INCOMING_MAX = 128


@dataclass(slots=True)
class Link:
    """One connection to a peer port."""

    id: int
    host: str
    port: int
    is_outgoing: bool
    opened_ms: int
    parser: FrameParser = field(default_factory=lambda: FrameParser(GREETING_BYTES_MAX))
    identity: Identity | None = None  # known after the greeting
    member: str | None = None  # its id
    ping_sequence: int = 0
    ping_sent_ns: int = 0
    pinged_ms: int = 0
    backlog: deque[Record] = field(default_factory=deque)  # calls that wait to be run
    results: list[Record] = field(default_factory=list)  # of calls that were run, not sent yet
    was_serving: bool = False  # when this node introduced itself on it
    is_output_paused: bool = False  # the other side is slow to read what it asked for


# Called with the link and a frame that is no business of the mesh: CALLS, RESULTS and MESSAGE.
FrameHandler = Callable[[Link, Frame], None]


class Mesh:
    """All links of a node."""

    def __init__(
        self,
        membership: Membership,
        clock: Clock,
        random: Random,
        emit: Callable[[Effect], None],
        identity: Callable[[], Identity],
        load: Callable[[], tuple[int, int]],
        on_frame: FrameHandler,
        on_lost: Callable[[str], None],
        on_met: Callable[[Identity], None],
        on_gone: Callable[[Identity], None],
    ) -> None:
        """Join the mesh to its node.

        ``identity()`` says who this node is now; ``load()`` gives its used bytes and keys;
        ``on_lost(member)`` is called when the link that this node dialled to a member ends;
        ``on_met(identity)`` when there is one; ``on_gone(identity)`` when a process has ended.
        """
        self._membership = membership
        self._clock = clock
        self._emit = emit
        self._identity = identity
        self._load = load
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._on_met = on_met
        self._on_gone = on_gone
        self.addresses = AddressBook(random)
        self._links: dict[int, Link] = {}
        self._outgoing: dict[str, Link] = {}  # member -> the link for this node's calls
        self._by_device: dict[str, Link] = {}  # the same links
        self._next_id = 0
        self._is_leaving = False
        self.frames_sent = 0
        self.frames_received = 0

    @property
    def links(self) -> list[Link]:
        """All links, greeted or not."""
        return list(self._links.values())

    @property
    def is_settled(self) -> bool:
        """Whether no dial or greeting is under way."""
        return not any(address.is_dialling for address in self.addresses) and not any(
            link.is_outgoing and link.member is None for link in self._links.values()
        )

    def is_open(self, link: Link) -> bool:
        """Return whether a link is still there."""
        return link.id in self._links

    def link_to(self, member: str) -> Link | None:
        """Return the link on which this node calls a member."""
        return self._outgoing.get(member)

    def link_to_device(self, device: str) -> Link | None:
        """Return the link to whatever runs on a device."""
        return self._by_device.get(device)

    def found(self, host: str, port: int, *, is_kept: bool = False) -> None:
        """Note a peer port that may be worth dialling."""
        address = self.addresses.add(host, port, is_kept=is_kept)
        if address is not None:
            self._dial_due()

    def connect(self, host: str, port: int, outcome: Outcome) -> None:
        """Dial a peer port because a person asked for it, and tell how it went."""
        address = self.addresses.add(host, port)
        if address is None:
            outcome("this node knows too many addresses already")
            return
        if address.link is not None and self._links[address.link].member is not None:
            outcome(None)
            return
        address.outcomes.append(outcome)
        # Ask anew who is there, else an address of this node itself would never be dialled.
        address.member = None
        address.next_dial_ms = 0
        self._dial_due()

    def opened(self, host: str, port: int, *, is_outgoing: bool) -> int:
        """Take a new connection in and return its number."""
        self._next_id += 1
        link = Link(self._next_id, host, port, is_outgoing, self._clock.now_ms())
        self._links[link.id] = link
        if is_outgoing:
            address = self.addresses.find(host, port)
            assert address is not None  # it was dialled because it is in the book
            address.is_dialling = False
            address.link = link.id
            me = self._identity()
            link.was_serving = me.is_serving
            self.send(link, encode_identity(Kind.HELLO, me))
        elif self._is_leaving:
            self._close(link)
        elif sum(not each.is_outgoing for each in self._links.values()) > INCOMING_MAX:
            logger.warning("too many peer connections; one from %s is closed", host, extra=SELDOM)
            self._close(link)
        return link.id

    def paused(self, link_id: int) -> None:
        """The other side does not read: run none of its calls until it does."""
        if (link := self._links.get(link_id)) is not None:
            link.is_output_paused = True

    def resumed(self, link_id: int) -> None:
        """The other side reads again."""
        if (link := self._links.get(link_id)) is not None:
            link.is_output_paused = False

    def dial_failed(self, host: str, port: int, why: str, *, is_refused: bool) -> None:
        """Note that nobody answered; ``is_refused``: the machine is there, the port is closed."""
        address = self.addresses.find(host, port)
        if address is None:
            return
        address.is_dialling = False
        gone = address.member
        if is_refused and gone is not None and gone not in self._outgoing:
            address.member = None
            self._gone(gone, "its port is closed")
        address.settle(f"nothing answers at {host}:{port}: {why}")
        self.addresses.failed(address, self._clock.now_ms())

    def heard(self, link_id: int) -> None:
        """Note that something came on a link."""
        link = self._links.get(link_id)
        if link is not None and link.member is not None:
            self._membership.heard(link.member)

    def received(self, link_id: int, data: bytes) -> Link | None:
        """Take bytes that came on a link; return the link if it is still open then."""
        link = self._links.get(link_id)
        if link is None:
            return None
        self.heard(link_id)
        link.parser.feed(data)
        try:
            while link.id in self._links and (frame := link.parser.maybe_take()) is not None:
                self.frames_received += 1
                self._handle(link, frame)
        except LinkError as error:
            self.break_off(link, error)
        return self._links.get(link_id)

    def find(self, link_id: int) -> Link | None:
        """Return the open link of that number."""
        return self._links.get(link_id)

    def break_off(self, link: Link, error: LinkError) -> None:
        """Close a link whose other side broke the protocol."""
        logger.warning("link with %s:%d closed: %s", link.host, link.port, error, extra=SELDOM)
        self._close(link)

    def closed(self, link_id: int) -> None:
        """Note that a connection has ended."""
        link = self._links.get(link_id)
        if link is not None:
            self._drop(link)
            self._dial_due()

    def tick(self) -> None:
        """Send heartbeats, and dial."""
        now_ms = self._clock.now_ms()
        for link in self.links:
            if link.member is None:
                if now_ms - link.opened_ms >= GREETING_TIMEOUT_MS:
                    logger.warning(
                        "%s:%d did not greet in time", link.host, link.port, extra=SELDOM
                    )
                    self._close(link)
            elif link.is_outgoing and now_ms - link.pinged_ms >= HEARTBEAT_MS:
                self._ping(link, now_ms)
        self._dial_due()

    def send(self, link: Link, *pieces: bytes) -> None:
        """Send a frame, which may be in pieces."""
        self.frames_sent += 1
        for piece in pieces:
            self._emit(ToLink(link.id, piece))

    def leave(self) -> None:
        """Tell all others that this process ends, and make no new links."""
        self._is_leaving = True
        for link in self._outgoing.values():
            self.send(link, encode_goodbye())

    def start_over(self) -> None:
        """Close all links; addresses are dialled again as somebody new."""
        for link in self.links:
            self._close(link)

    def _dial_due(self) -> None:
        if self._is_leaving:
            return
        for address in self.addresses.due(self._clock.now_ms()):
            if address.member == self._membership.me.id:
                continue
            if address.member in self._outgoing:  # reached under another address
                continue
            address.is_dialling = True
            self._emit(Dial(address.host, address.port))

    def _handle(self, link: Link, frame: Frame) -> None:
        if link.member is None:
            self._greet(link, frame)
        elif frame.kind in (Kind.CALLS, Kind.RESULTS, Kind.MESSAGE):
            if (frame.kind is not Kind.RESULTS) == link.is_outgoing:
                raise LinkError(f"{frame.kind.name} in the wrong direction")
            self._on_frame(link, frame)
        elif frame.kind is Kind.PING and not link.is_outgoing:
            beat = self._note(link, frame)
            self.send(link, encode_heartbeat(Kind.PONG, self._beat(beat.sequence)))
        elif frame.kind is Kind.PONG and link.is_outgoing:
            self._pong(link, frame)
        elif frame.kind is Kind.GOODBYE:
            self._gone(link.member, "it was stopped")
        else:
            raise LinkError(f"unexpected {frame.kind.name}")

    def _greet(self, link: Link, frame: Frame) -> None:
        if link.is_outgoing and frame.kind is Kind.WELCOME:
            self._welcomed(link, decode_identity(frame))
        elif link.is_outgoing and frame.kind is Kind.REFUSE:
            self._refused(link, decode_refused(frame))
        elif not link.is_outgoing and frame.kind is Kind.HELLO:
            self._hello(link, decode_identity(frame))
        else:
            raise LinkError(f"{frame.kind.name} instead of a greeting")

    def _hello(self, link: Link, identity: Identity) -> None:
        refused = self._judge(identity)
        if refused is not None:
            self.send(link, encode_refused(refused))
            self._close(link)
            return
        self.send(link, encode_identity(Kind.WELCOME, self._identity()))
        self._greeted(link, identity)
        if identity.id not in self._outgoing:
            host = link.host if identity.peer_bind in WILDCARDS else identity.peer_bind
            address = self.addresses.add(host, identity.peer_port)
            if address is not None:
                address.next_dial_ms = 0
                self._dial_due()

    @staticmethod
    def _greeted(link: Link, identity: Identity) -> None:
        link.identity = identity
        link.member = identity.id
        link.parser.frame_bytes_max = FRAME_BYTES_MAX

    def _judge(self, other: Identity) -> Refused | None:
        """Return why there can be no link, None if there can; stop if this node has to."""
        me = self._identity()
        refused = judge(me, other)
        if refused is not None and refused.why is Refusal.GIVING_WAY:
            self._emit(Stop(name_taken(other)))
        return refused

    def _welcomed(self, link: Link, identity: Identity) -> None:
        refused = self._judge(identity)
        address = self.addresses.by_link(link.id)
        assert address is not None
        if refused is not None:
            address.settle(refused.text)
            self._close(link)
            return
        address.member = identity.id
        address.failures = 0
        address.is_kept |= bool(address.outcomes)  # a person asked for it, and rightly
        if identity.id in self._outgoing:
            address.settle(None)
            self._close(link)
            return
        self._greeted(link, identity)
        self._outgoing[identity.id] = link
        self._by_device[identity.device] = link
        self._membership.met(identity, link.host)
        self._ping(link, self._clock.now_ms())
        address.settle(None)
        self._on_met(identity)

    def _refused(self, link: Link, refused: Refused) -> None:
        address = self.addresses.by_link(link.id)
        assert address is not None
        if refused.why is Refusal.OWN_ADDRESS:
            address.member = self._membership.me.id
        elif not address.outcomes and address.failures == 0:
            logger.warning("%s:%d refused the link: %s", link.host, link.port, refused.text)
        address.settle(refused.text)
        self._close(link)
        if refused.why is Refusal.NAME_TAKEN:
            me = self._identity()
            # What was judged before this node served is judged again when it dials next.
            if me.uptime_ms < STARTING_MS and me.is_serving == link.was_serving:
                self._emit(Stop(refused.text))

    def _ping(self, link: Link, now_ms: int) -> None:
        link.ping_sequence += 1
        link.pinged_ms = now_ms
        link.ping_sent_ns = self._clock.now_ns()
        self.send(link, encode_heartbeat(Kind.PING, self._beat(link.ping_sequence)))

    def _pong(self, link: Link, frame: Frame) -> None:
        beat = self._note(link, frame)
        member = self._membership.known(link.member or "")
        if member is not None and beat.sequence == link.ping_sequence:
            member.round_trip_us = (self._clock.now_ns() - link.ping_sent_ns) // 1000

    def _beat(self, sequence: int) -> Heartbeat:
        used_bytes, keys = self._load()
        addresses = tuple((link.host, link.port) for link in self._outgoing.values())
        return Heartbeat(sequence, used_bytes, keys, addresses)

    def _note(self, link: Link, frame: Frame) -> Heartbeat:
        beat = decode_heartbeat(frame)
        member = self._membership.known(link.member or "")
        if member is not None:
            member.used_bytes, member.keys = beat.used_bytes, beat.keys
        for host, port in beat.addresses:
            if self.addresses.find(host, port) is None:
                self.found(host, port)
        return beat

    def _gone(self, member: str, why: str) -> None:
        known = self._membership.known(member)
        for link in self.links:
            if link.member == member:
                self._close(link)
        if known is not None:
            logger.info("%s is gone: %s", known.name, why)
            self._on_gone(known.identity)

    def _close(self, link: Link) -> None:
        self._emit(CloseLink(link.id))
        self._drop(link)

    def _drop(self, link: Link) -> None:
        del self._links[link.id]
        address = self.addresses.by_link(link.id)
        if address is not None:
            self._retry_later(address, link)
        if link.member is not None and self._outgoing.get(link.member) is link:
            del self._outgoing[link.member]
            assert link.identity is not None
            if self._by_device.get(link.identity.device) is link:
                del self._by_device[link.identity.device]
            self._on_lost(link.member)

    def _retry_later(self, address: Address, link: Link) -> None:
        address.settle("the other side closed the connection")
        was_up = link.member is not None
        self.addresses.failed(address, self._clock.now_ms())
        if was_up:  # whether its process is still there is worth knowing at once
            address.failures = 0
            address.next_dial_ms = 0
