"""The two messages that come with each write as bytes: shorter than the others, and read faster.

    Replicate  = kind epoch slot attempt sequence effects-length reply-length device-length
                 [device incarnation counter floor] effects reply
    Replicated = kind epoch slot attempt sequence

Numbers are big-endian, of the sizes below. An entry without an origin has no device.
"""

from __future__ import annotations

from struct import Struct

from .messages import Entry, Origin, Replicate, Replicated
from .table import Member

_ENTRY = Struct("!BQHQQIIB")
_ORIGIN = Struct("!QQQ")
_ACKNOWLEDGEMENT = Struct("!BQHQQ")


def pack_replicate(kind: int, message: Replicate) -> list[bytes]:
    """Return the bytes of a message, in pieces; effects and reply are not copied."""
    epoch, slot, attempt, (sequence, effects, origin, reply) = message
    name = origin_bytes = b""
    if origin is not None:
        (device, incarnation), counter, floor = origin
        name = device.encode()
        origin_bytes = name + _ORIGIN.pack(incarnation, counter, floor)
    head = _ENTRY.pack(kind, epoch, slot, attempt, sequence, len(effects), len(reply), len(name))
    return [head + origin_bytes, effects, reply]


def unpack_replicate(data: bytes) -> Replicate:
    """Read a message, whose kind was looked at.

    Raises:
        ValueError, struct.error: it is malformed.
    """
    _, epoch, slot, attempt, sequence, effects, reply, length = _ENTRY.unpack_from(data)
    at = _ENTRY.size
    origin = None
    if length:
        device = data[at : at + length].decode()
        if not device.isprintable():
            raise ValueError("bad name of a device")
        incarnation, counter, floor = _ORIGIN.unpack_from(data, at + length)
        at += length + _ORIGIN.size
        origin = Origin(Member(device, incarnation), counter, floor)
    end = at + effects
    if len(data) != end + reply:
        raise ValueError("more or less payload than it says")
    return Replicate(epoch, slot, attempt, Entry(sequence, data[at:end], origin, data[end:]))


def pack_replicated(kind: int, message: Replicated) -> list[bytes]:
    """Return the bytes of a message."""
    return [_ACKNOWLEDGEMENT.pack(kind, *message)]


def unpack_replicated(data: bytes) -> Replicated:
    """Read a message, whose kind was looked at.

    Raises:
        ValueError, struct.error: it is malformed.
    """
    _, epoch, slot, attempt, sequence = _ACKNOWLEDGEMENT.unpack(data)
    return Replicated(epoch, slot, attempt, sequence)
