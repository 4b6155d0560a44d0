"""Messages as bytes, and back; and what a device remembers.

    message = kind meta-length meta payload
    kind    = 1 byte, the place of the message's class in `KINDS`
    meta-length = 4 bytes, big-endian
    meta    = msgpack: the fields in their order, at most `META_BYTES_MAX`
    payload = the bytes fields one behind the other; the meta data has their lengths instead

So no value of a client is ever inside msgpack. The fields' declared types say how each is written
and what is believed of it on the way in: integers from 0 to 2^64 - 1, lists of at most `ITEMS_MAX`.
Tables and changes have a form of their own, in which a run of slots takes 6 bytes, and each member
and each distinct assignment is written once: the name of a device is long. What comes with
each write has a form of its own behind its kind, which is in `short.py`.

A record is written like a message, with `RECORD_FORMAT` in the place of the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from enum import IntEnum
from struct import Struct, error
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgpack

from memcloud.errors import MemCloudError

from . import messages, short
from .ballots import Record
from .table import Assignment, Change, Cluster, Member, Run, Table

META_BYTES_MAX = 256 * 1024
ITEMS_MAX = 16_384
MEMBERS_MAX = 64
SLOTS_MAX = 16_384
NUMBER_MAX = (1 << 64) - 1
RECORD_FORMAT = 1

_HEAD = Struct("!BI")
_RUN = Struct("!HHH")  # first slot, last slot, which assignment

KINDS: tuple[type[Any], ...] = get_args(messages.Message)
_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
_SHORT_PACKS: dict[type[Any], Callable[[int, Any], list[bytes]]] = {
    messages.Replicate: short.pack_replicate,
    messages.Replicated: short.pack_replicated,
}
_SHORT_UNPACKS: dict[int, Callable[[bytes], messages.Message]] = {
    _NUMBERS[messages.Replicate]: short.unpack_replicate,
    _NUMBERS[messages.Replicated]: short.unpack_replicated,
}


class CodingError(MemCloudError):
    """Bytes that are no message or record of ours: who wrote them is broken, or hostile."""


Pack = Callable[[Any, list[bytes]], object]
Unpack = Callable[[object, "_Payload"], Any]


class _Payload:
    """The raw part of a message, taken piece by piece."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        if length > len(self._data) - self._at:
            raise CodingError("message with a payload that is too short")
        self._at += length
        return bytes(self._data[self._at - length : self._at])

    @property
    def is_empty(self) -> bool:
        return self._at == len(self._data)


def encode(message: messages.Message) -> list[bytes]:
    """Return the bytes of a message, in pieces; large fields are not copied."""
    kind = type(message)
    pack = _SHORT_PACKS.get(kind)
    if pack is not None:
        return pack(_NUMBERS[kind], message)
    return _encode(_NUMBERS[kind], kind, message)


def decode(data: bytes) -> messages.Message:
    """Read a message.

    Raises:
        CodingError: it is malformed, or beyond a limit.
    """
    number = data[0] if data else len(KINDS)
    if number >= len(KINDS):
        raise CodingError("message of unknown kind")
    unpack = _SHORT_UNPACKS.get(number)
    if unpack is None:
        message: messages.Message = _decode(KINDS[number], data)
        return message
    try:
        return unpack(data)
    except (ValueError, error) as fault:
        raise CodingError(f"message that cannot be unpacked: {fault}") from fault


def encode_record(record: Record) -> bytes:
    """Return what a device remembers as bytes."""
    return b"".join(_encode(RECORD_FORMAT, Record, record))


def decode_record(data: bytes) -> Record:
    """Read what a device remembers.

    Raises:
        CodingError: it is malformed, or of another release.
    """
    if data[:1] != bytes([RECORD_FORMAT]):
        raise CodingError("record of an unknown format")
    record: Record = _decode(Record, data)
    return record


def _encode(number: int, kind: type[Any], value: object) -> list[bytes]:
    payload: list[bytes] = []
    meta: bytes = msgpack.packb(_pack_of(kind)(value, payload))
    if len(meta) > META_BYTES_MAX:
        raise ValueError(f"the meta data of a {kind.__name__} has {len(meta)} bytes")
    return [_HEAD.pack(number, len(meta)) + meta, *payload]


def _decode(kind: type[Any], data: bytes) -> Any:
    """Read what stands behind the number of its kind, which was looked at."""
    try:
        _, length = _HEAD.unpack_from(data)
    except error:
        raise CodingError("message without a head") from None
    if length > META_BYTES_MAX or _HEAD.size + length > len(data):
        raise CodingError("message of unknown length")
    view = memoryview(data)
    meta = _unpack_meta(bytes(view[_HEAD.size : _HEAD.size + length]))
    payload = _Payload(view[_HEAD.size + length :])
    value = _unpack_of(kind)(meta, payload)
    if not payload.is_empty:
        raise CodingError("message with more payload than it says")
    return value


def _unpack_meta(data: bytes) -> object:
    try:
        return msgpack.unpackb(
            data,
            max_array_len=ITEMS_MAX,
            max_map_len=0,
            max_str_len=256,
            max_bin_len=0,
            max_ext_len=0,
            strict_map_key=True,
        )
    # msgpack raises several unrelated errors for bad bytes; all of them say the same to us.
    except (ValueError, msgpack.UnpackException, RecursionError, UnicodeDecodeError) as fault:
        raise CodingError(f"meta data cannot be unpacked: {fault}") from fault


# By type


def _pack_of(kind: Any) -> Pack:
    pack = _PACKS.get(kind)
    if pack is None:
        pack = _PACKS[kind] = _make_pack(kind)
    return pack


def _unpack_of(kind: Any) -> Unpack:
    unpack = _UNPACKS.get(kind)
    if unpack is None:
        unpack = _UNPACKS[kind] = _make_unpack(kind)
    return unpack


def _make_pack(kind: Any) -> Pack:
    optional = _optional(kind)
    if optional is not None:
        inner = _pack_of(optional)
        return lambda value, payload: None if value is None else inner(value, payload)
    item = _item(kind)
    if item is not None:
        each = _pack_of(item)
        return lambda value, payload: [each(one, payload) for one in value]
    parts = [(name, _pack_of(hint)) for name, hint in _parts(kind)]
    if get_origin(kind) is tuple:
        packs = [pack for _, pack in parts]
        return lambda value, payload: [
            pack(one, payload) for pack, one in zip(packs, value, strict=True)
        ]
    return lambda value, payload: [pack(getattr(value, name), payload) for name, pack in parts]


def _make_unpack(kind: Any) -> Unpack:
    optional = _optional(kind)
    if optional is not None:
        inner = _unpack_of(optional)
        return lambda value, payload: None if value is None else inner(value, payload)
    item = _item(kind)
    if item is not None:
        each = _unpack_of(item)
        return lambda value, payload: tuple(each(one, payload) for one in _list(value, ITEMS_MAX))
    parts = [_unpack_of(hint) for _, hint in _parts(kind)]
    make = (lambda *values: values) if get_origin(kind) is tuple else kind
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return lambda value, payload: _enumerated(kind, value)
    return lambda value, payload: make(
        *(
            unpack(one, payload)
            for unpack, one in zip(parts, _list(value, len(parts), len(parts)), strict=True)
        )
    )


def _optional(kind: Any) -> Any:
    if get_origin(kind) is UnionType:
        inner, none = get_args(kind)
        assert none is type(None)
        return inner
    return None


def _item(kind: Any) -> Any:
    arguments = get_args(kind)
    if get_origin(kind) is tuple and arguments[1:] == (Ellipsis,):
        return arguments[0]
    return None


def _parts(kind: Any) -> list[tuple[str, Any]]:
    if get_origin(kind) is tuple:
        return [("", hint) for hint in get_args(kind)]
    hints = get_type_hints(kind)
    names: Iterable[str]
    if is_dataclass(kind):
        names = (each.name for each in fields(kind))
    else:
        names = getattr(kind, "_fields", ())
    return [(name, hints[name]) for name in names]


def _list(value: object, most: int, least: int = 0) -> list[object]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise CodingError("message with a bad list")
    return value


def _enumerated(kind: type[IntEnum], value: object) -> IntEnum:
    try:
        return kind(_number(value, None))
    except ValueError:
        raise CodingError("message with an unknown choice") from None


def _number(value: object, payload: _Payload | None) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= NUMBER_MAX:
        raise CodingError("message with a number out of range")
    return value


def _flag(value: object, payload: _Payload) -> bool:
    if not isinstance(value, bool):
        raise CodingError("message with a bad flag")
    return value


def _text(value: object, payload: _Payload) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise CodingError("message with a bad text")
    return value


def _pack_bytes(value: bytes, payload: list[bytes]) -> object:
    payload.append(value)
    return len(value)


# Tables


def _pack_runs(runs: Sequence[Run], payload: list[bytes]) -> object:
    """Return members and distinct assignments; which slots have which goes into the payload."""
    holders: dict[Member, int] = {}
    places: dict[Assignment, int] = {}
    packed = [
        _RUN.pack(first, last, places.setdefault(assignment, len(places)))
        for first, last, assignment in runs
    ]
    assignments = [
        [
            [holders.setdefault(holder, len(holders)) for holder in each.holders],
            each.lineage,
            each.hold_ms,
        ]
        for each in places
    ]
    members = [_pack_of(Member)(each, payload) for each in holders]
    return [members, assignments, _pack_bytes(b"".join(packed), payload)]


def _unpack_runs(value: object, payload: _Payload) -> list[Run]:
    named, packed, length = _list(value, 3, 3)
    members = [_unpack_of(Member)(each, payload) for each in _list(named, MEMBERS_MAX)]
    assignments = [_assignment(each, members) for each in _list(packed, ITEMS_MAX)]
    data = payload.take(_number(length, None))
    if len(data) % _RUN.size or len(data) > _RUN.size * SLOTS_MAX:
        raise CodingError("table with broken runs")
    runs: list[Run] = []
    following = 0
    for first, last, place in _RUN.iter_unpack(data):
        if not following <= first <= last < SLOTS_MAX or place >= len(assignments):
            raise CodingError("table with broken runs")
        runs.append(Run(first, last, assignments[place]))
        following = last + 1
    return runs


def _assignment(value: object, members: Sequence[Member]) -> Assignment:
    packed, lineage, hold_ms = _list(value, 3, 3)
    places = [_number(each, None) for each in _list(packed, len(members), 1)]
    if max(places) >= len(members):
        raise CodingError("table with an unknown holder")
    primary, *backups = (members[place] for place in places)
    return Assignment(primary, tuple(backups), _number(lineage, None), _number(hold_ms, None))


def _pack_table(table: Table, payload: list[bytes]) -> object:
    return [
        _pack_of(Cluster)(table.cluster, payload),
        table.epoch,
        _pack_of(tuple[Member, ...])(table.members, payload),
        list(table.weights),
        _pack_runs(table.runs(), payload),
        _pack_of(Cluster)(table.heir, payload),
    ]


def _unpack_table(value: object, payload: _Payload) -> Table:
    cluster, epoch, members, weights, packed, heir = _list(value, 6, 6)
    runs = _unpack_runs(packed, payload)
    slots: list[Assignment] = []
    for first, last, assignment in runs:
        if first != len(slots):
            raise CodingError("table with a gap")
        slots += [assignment] * (last - first + 1)
    return Table(
        _unpack_of(Cluster)(cluster, payload),
        _number(epoch, None),
        *_unpack_members(members, weights, payload),
        tuple(slots),
        _unpack_of(Cluster)(heir, payload),
    )


def _pack_change(change: Change, payload: list[bytes]) -> object:
    return [
        change.epoch,
        _pack_of(tuple[Member, ...])(change.members, payload),
        list(change.weights),
        _pack_runs(change.runs, payload),
        _pack_of(Cluster)(change.heir, payload),
    ]


def _unpack_change(value: object, payload: _Payload) -> Change:
    epoch, members, weights, packed, heir = _list(value, 5, 5)
    runs = _unpack_runs(packed, payload)
    return Change(
        _number(epoch, None),
        *_unpack_members(members, weights, payload),
        tuple(runs),
        _unpack_of(Cluster)(heir, payload),
    )


def _unpack_members(
    members: object, weights: object, payload: _Payload
) -> tuple[tuple[Member, ...], tuple[int, ...]]:
    named = _list(members, MEMBERS_MAX, 1)
    weighed = _list(weights, len(named), len(named))
    unpack = _unpack_of(Member)
    return (
        tuple(unpack(each, payload) for each in named),
        tuple(_number(each, None) for each in weighed),
    )


def _itself(value: object, payload: list[bytes]) -> object:
    return value


_PACKS: dict[Any, Pack] = {
    int: _itself,
    bool: _itself,
    str: _itself,
    messages.MoveKind: _itself,
    bytes: _pack_bytes,
    Table: _pack_table,
    Change: _pack_change,
}
_UNPACKS: dict[Any, Unpack] = {
    int: _number,
    bool: _flag,
    str: _text,
    bytes: lambda value, payload: payload.take(_number(value, None)),
    Table: _unpack_table,
    Change: _unpack_change,
}
