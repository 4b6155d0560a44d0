"""What members tell each other about the keys of a slot, as bytes.

    effects = [change*]
    change  = entry | ["flush", database*] | ["swap", database, database]
    chunk   = [flags, [entry*]]
    entry   = [space, key, value, remaining, retention]

This is msgpack. ``space`` is the number of a database, or `BLOCKS`. ``value`` is binary; text is
the holder that a pointer names; nil says that the key is not there. ``remaining`` is the time to
live in ms, or nil. Which slot it is stands beside these bytes, and keys are taken at their word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgpack

from .errors import MemCloudError
from .store import BLOCKS, BlockPointer, Retention, Value

CHUNK_BYTES: Final = 256 * 1024
ENTRY_OVERHEAD_BYTES: Final = 32  # more than msgpack and the numbers of an entry take

_INHERITED: Final = 1
_RETENTIONS: Final = (Retention.BY_POLICY, Retention.PINNED, Retention.CACHE)
_NUMBERS: Final = {retention: number for number, retention in enumerate(_RETENTIONS)}


class ContentError(MemCloudError):
    """Bytes that say nothing about a slot: the member that sent them is broken."""


class Entry(NamedTuple):
    """How things stand with one key."""

    space: int
    key: bytes
    value: Value | None = None  # None: it is not there
    remaining_ms: int | None = None
    retention: Retention = Retention.BY_POLICY


class Flush(NamedTuple):
    """These databases have none of the slot's keys any more."""

    databases: tuple[int, ...]


class Swap(NamedTuple):
    """Two databases have exchanged the slot's keys."""

    a: int
    b: int


Change = Entry | Flush | Swap


class Chunk(NamedTuple):
    """A part of a slot."""

    is_inherited: bool
    entries: list[Entry]


def pack_changes(changes: Iterable[Change]) -> bytes:
    """Return effects."""
    return _pack([_shown(change) for change in changes])


def unpack_changes(effects: bytes, databases: int) -> list[Change]:
    """Read effects for a node with so many databases.

    Raises:
        ContentError: they are none, or for a node with more.
    """
    return [_change(each, databases) for each in _sequence(_unpack(effects))]


def pack_chunks(entries: Iterable[Entry], *, is_inherited: bool) -> list[bytes]:
    """Return a slot in chunks of `CHUNK_BYTES`; a larger entry has one for itself."""
    chunks: list[bytes] = []
    part: list[Entry] = []
    size_bytes = 0
    for entry in entries:
        entry_bytes = ENTRY_OVERHEAD_BYTES + len(entry.key) + len(entry.value or b"")
        if part and size_bytes + entry_bytes > CHUNK_BYTES:
            chunks.append(_pack_chunk(part, is_inherited))
            part, size_bytes = [], 0
        part.append(entry)
        size_bytes += entry_bytes
    if part:
        chunks.append(_pack_chunk(part, is_inherited))
    return chunks


def unpack_chunk(chunk: bytes, databases: int) -> Chunk:
    """Read a chunk for a node with so many databases; no bytes are an empty one.

    Raises:
        ContentError: it is none, or for a node with more.
    """
    if not chunk:
        return Chunk(is_inherited=False, entries=[])
    match _unpack(chunk):
        case (int(flags), tuple(entries)):
            return Chunk(bool(flags & _INHERITED), [_entry(each, databases) for each in entries])
    raise ContentError("a chunk of another form")


def pack_entry(entry: Entry) -> bytes:
    """Return an entry alone."""
    return _pack(_shown(entry))


def unpack_entry(data: bytes, databases: int) -> Entry:
    """Read an entry alone, for a node with so many databases.

    Raises:
        ContentError: it is none, or for a node with more.
    """
    return _entry(_unpack(data), databases)


def _pack_chunk(entries: Sequence[Entry], is_inherited: bool) -> bytes:
    return _pack([_INHERITED * is_inherited, [_shown(entry) for entry in entries]])


def _shown(change: Change) -> list[Any]:
    if isinstance(change, Entry):  # which most are; a match would take twice as long
        space, key, value, remaining_ms, retention = change
        shown = value.holder if isinstance(value, BlockPointer) else value
        return [space, key, shown, remaining_ms, _NUMBERS[retention]]
    match change:
        case Flush(databases):
            return ["flush", *databases]
        case Swap(a, b):
            return ["swap", a, b]


def _change(shown: object, databases: int) -> Change:
    match shown:
        case (int(), *_):
            return _entry(shown, databases)
        case ("flush", *numbers):
            return Flush(tuple(_space(number, 0, databases) for number in numbers))
        case ("swap", a, b):
            return Swap(_space(a, 0, databases), _space(b, 0, databases))
    raise ContentError("a change of another form")


def _entry(shown: object, databases: int) -> Entry:
    if not isinstance(shown, tuple) or len(shown) != 5:
        raise ContentError("an entry of another form")
    space, key, value, remaining_ms, retention = shown
    if isinstance(value, str):
        value = BlockPointer(value)
    elif value is not None and not isinstance(value, bytes):
        raise ContentError("an entry with a value of another kind")
    if not isinstance(key, bytes) or not isinstance(remaining_ms, int | None):
        raise ContentError("an entry with a key or deadline of another kind")
    if not isinstance(retention, int) or not 0 <= retention < len(_RETENTIONS):
        raise ContentError("an entry with an unknown retention")
    return Entry(_space(space, BLOCKS, databases), key, value, remaining_ms, _RETENTIONS[retention])


def _space(number: object, first: int, databases: int) -> int:
    if isinstance(number, int) and first <= number < databases:
        return number
    raise ContentError(f"no space is called {number!r} here")


def _sequence(value: object) -> tuple[object, ...]:
    if isinstance(value, tuple):
        return value
    raise ContentError("effects of another form")


def _pack(value: object) -> bytes:
    packed: bytes = msgpack.packb(value)
    return packed


def _unpack(data: bytes) -> object:
    try:
        value: object = msgpack.unpackb(data, use_list=False)
    except ValueError as error:  # what all errors of msgpack are
        raise ContentError(f"no msgpack: {error}") from error
    return value
