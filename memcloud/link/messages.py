"""The messages that nodes exchange, and their way into frames and back.

Dialling opens a link, and only its dialler asks:

    dialler                                   answerer
    HELLO (who I am)         ->
                             <-               WELCOME (who I am) or REFUSE (why not)
    PING (what I have)       ->
                             <-               PONG (what I have)
    MESSAGE (of the cluster) ->
    CALLS (commands)         ->
                             <-               RESULTS (replies, in any order)
    GOODBYE                  ->               this process ends

CALLS and RESULTS are in batch.py; the others are here. A MESSAGE has no answer on its link: what
the members agree by is in `memcloud.protocol`, and each of them sends on the links it has dialled.
One frame has all that is to be said to a member at a time: which cluster the sender is in, in two
numbers of 8 bytes, and each message behind its length, of 4 bytes, all big-endian.
Every field that comes in is checked for type and range before anything believes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from struct import Struct

from .frames import Frame, Kind, LinkError, encode_frame, encode_head

PROTOCOL_VERSION = 5
NAME_LENGTH_MAX = 64
GOSSIP_MAX = 64

LARGE_BYTES = 64 * 1024  # to join so much would cost more than it saves

_CLUSTER = Struct("!QQ")
_LENGTH = Struct("!I")


class Refusal(StrEnum):
    """Why a node does not want a link."""

    OWN_ADDRESS = "own-address"  # the dialler has reached itself
    OTHER_CLUSTER = "other-cluster"
    OTHER_VERSION = "other-version"
    NAME_TAKEN = "name-taken"
    GIVING_WAY = "giving-way"  # the names clash, and the node that was dialled stops
    SAME_DEVICE = "same-device"  # a copy of the state folder, or an earlier run of this node


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a node says it is: the content of HELLO and WELCOME."""

    version: int
    cluster: str
    device: str
    incarnation: int  # which run of the device
    id: str  # 40 hex digits that name the run
    name: str
    bind: str  # where its RESP port listens
    port: int
    peer_bind: str  # where its peer port listens
    peer_port: int
    memory_bytes: int
    uptime_ms: int
    is_serving: bool  # clients: from then on it has something to lose


@dataclass(frozen=True, slots=True)
class Refused:
    """A dialler is turned away; ``text`` is a sentence for people."""

    why: Refusal
    text: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a member has: the content of PING and PONG."""

    sequence: int
    used_bytes: int
    keys: int
    addresses: tuple[tuple[str, int], ...]  # peer ports of the members it is linked with


class Fields:
    """A list of values from outside, taken one by one with a check of each."""

    def __init__(self, values: object, count: int) -> None:
        # A longer list is a newer version of the message, of which we know the beginning.
        if not isinstance(values, list) or len(values) < count:
            raise LinkError("message with too few fields")
        self._values = iter(values)

    def number(self, least: int = 0, most: int = (1 << 64) - 1) -> int:
        """Take an integer of that range."""
        value = next(self._values)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise LinkError("message with a number out of range")
        return value

    def flag(self) -> bool:
        """Take a boolean."""
        value = next(self._values)
        if not isinstance(value, bool):
            raise LinkError("message with a bad flag")
        return value

    def text(self, length_max: int = 255) -> str:
        """Take a printable string."""
        value = next(self._values)
        if not isinstance(value, str) or len(value) > length_max or not value.isprintable():
            raise LinkError("message with a bad text")
        return value

    def items(self, count_max: int) -> list[object]:
        """Take a list."""
        value = next(self._values)
        if not isinstance(value, list) or len(value) > count_max:
            raise LinkError("message with a bad list")
        return value


def encode_identity(kind: Kind, identity: Identity) -> bytes:
    """Return a HELLO or WELCOME."""
    return encode_frame(kind, list(astuple(identity)))


def decode_identity(frame: Frame) -> Identity:
    """Read a HELLO or WELCOME."""
    fields = Fields(frame.meta, len(Identity.__slots__))
    identity = Identity(
        version=fields.number(),
        cluster=fields.text(),
        device=fields.text(),
        incarnation=fields.number(),
        id=fields.text(40),
        name=fields.text(NAME_LENGTH_MAX),
        bind=fields.text(),
        port=fields.number(1, 65535),
        peer_bind=fields.text(),
        peer_port=fields.number(1, 65535),
        memory_bytes=fields.number(1),
        uptime_ms=fields.number(),
        is_serving=fields.flag(),
    )
    if len(identity.id) != 40 or not identity.name or not identity.device:
        raise LinkError("message with a bad identity")
    return identity


def encode_refused(refused: Refused) -> bytes:
    """Return a REFUSE."""
    return encode_frame(Kind.REFUSE, [refused.why.value, refused.text])


def decode_refused(frame: Frame) -> Refused:
    """Read a REFUSE."""
    fields = Fields(frame.meta, 2)
    try:
        return Refused(Refusal(fields.text()), fields.text(1024))
    except ValueError:
        raise LinkError("refused for a reason of another version") from None


def encode_heartbeat(kind: Kind, beat: Heartbeat) -> bytes:
    """Return a PING or PONG."""
    addresses = [list(address) for address in beat.addresses[:GOSSIP_MAX]]
    return encode_frame(kind, [beat.sequence, beat.used_bytes, beat.keys, addresses])


def decode_heartbeat(frame: Frame) -> Heartbeat:
    """Read a PING or PONG."""
    fields = Fields(frame.meta, 4)
    return Heartbeat(
        sequence=fields.number(),
        used_bytes=fields.number(),
        keys=fields.number(),
        addresses=tuple(_address(item) for item in fields.items(GOSSIP_MAX)),
    )


def _address(value: object) -> tuple[str, int]:
    fields = Fields(value, 2)
    return fields.text(), fields.number(1, 65535)


def encode_goodbye() -> bytes:
    """Return a GOODBYE."""
    return encode_frame(Kind.GOODBYE, [])


def encode_messages(founded_ms: int, number: int, messages: Sequence[bytes]) -> list[bytes]:
    """Return messages as a MESSAGE frame, in pieces; two numbers name the cluster of the sender.

    Raises:
        ValueError: they are larger than a frame can be.
    """
    size_bytes = _CLUSTER.size + _LENGTH.size * len(messages) + sum(map(len, messages))
    pieces = [encode_head(Kind.MESSAGE, size_bytes) + _CLUSTER.pack(founded_ms, number)]
    for message in messages:
        pieces += (_LENGTH.pack(len(message)), message)
    return pieces if size_bytes >= LARGE_BYTES else [b"".join(pieces)]


def decode_messages(frame: Frame) -> tuple[int, int, list[bytes]]:
    """Return the name of the sender's cluster, and the bytes of each message.

    Raises:
        LinkError: the frame is malformed.
    """
    payload = frame.payload
    if len(payload) < _CLUSTER.size:
        raise LinkError("message of no cluster")
    founded_ms, number = _CLUSTER.unpack_from(payload)
    messages: list[bytes] = []
    at, end = _CLUSTER.size, len(payload)
    while at < end:
        if end - at < _LENGTH.size:
            raise LinkError("message without a length")
        (length,) = _LENGTH.unpack_from(payload, at)
        at += _LENGTH.size
        if length > end - at:
            raise LinkError("message that goes on behind its frame")
        messages.append(payload[at : at + length])
        at += length
    return founded_ms, number, messages
