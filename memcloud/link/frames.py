"""Frames: how messages between nodes are cut out of a byte stream.

    frame   = length kind version meta-length meta payload
    length  = 4 bytes, big-endian: everything that follows it
    kind    = 1 byte, see `Kind`
    version = 1 byte, of this layout
    meta-length = 4 bytes, big-endian
    meta    = msgpack, small and bounded: who, which calls, how long their parts are
    payload = raw bytes: commands and replies in RESP, back to back

Keys, values and replies travel as raw bytes and never inside msgpack: packing would copy a large
value twice, and unpacking a hostile one can cost a hundred times its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

import msgpack

from memcloud.errors import MemCloudError

VERSION = 1
META_BYTES_MAX = 64 * 1024
# A batch is cut well before this; only one giant command or reply comes near it.
FRAME_BYTES_MAX = (1 << 30) + (1 << 20)

_LENGTH = Struct("!I")
_HEAD = Struct("!BBI")
_COMPACT_BYTES = 256 * 1024


class LinkError(MemCloudError):
    """The peer broke the protocol of the link; the link must be closed."""


class Kind(IntEnum):
    """What a frame carries."""

    HELLO = 1
    WELCOME = 2
    REFUSE = 3
    PING = 4
    PONG = 5
    CALLS = 6
    RESULTS = 7
    GOODBYE = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it came; ``meta`` is whatever msgpack held and wants checking."""

    kind: Kind
    meta: object
    payload: bytes = b""


def encode_frame(kind: Kind, meta: object, payload: bytes = b"") -> bytes:
    """Return the bytes of a frame.

    Raises:
        ValueError: if it would break the limits that the other side keeps.
    """
    packed = msgpack.packb(meta)
    length = _HEAD.size + len(packed) + len(payload)
    if len(packed) > META_BYTES_MAX or length > FRAME_BYTES_MAX:
        raise ValueError(f"a {kind.name} frame of {length} bytes is over the limit")
    return b"".join((_LENGTH.pack(length), _HEAD.pack(kind, VERSION, len(packed)), packed, payload))


class FrameParser:
    """Bytes in, frames out. Memory grows with what has arrived, never with what is announced."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._buffer = bytearray()
        self._position = 0
        self._frame_bytes_max = frame_bytes_max

    def feed(self, data: bytes) -> None:
        """Add received bytes; nothing is looked at yet."""
        self._buffer += data

    def maybe_take(self) -> Frame | None:
        """Return the next whole frame, or None until more has come.

        Raises:
            LinkError: the bytes are no frame of ours, or over a limit.
        """
        available = len(self._buffer) - self._position
        if available < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer, self._position)
        if not _HEAD.size <= length <= self._frame_bytes_max:
            raise LinkError(f"frame of {length} bytes announced")
        head_start = self._position + _LENGTH.size
        if available >= _LENGTH.size + _HEAD.size:
            # Garbage is refused by its head, without waiting for what its length promises.
            kind, meta_length = self._check_head(head_start, length)
        if available < _LENGTH.size + length:
            return None
        meta_start = head_start + _HEAD.size
        end = head_start + length
        with memoryview(self._buffer) as view:
            meta = _unpack(view[meta_start : meta_start + meta_length])
            payload = bytes(view[meta_start + meta_length : end])
        self._advance(end)
        return Frame(kind, meta, payload)

    def _check_head(self, start: int, length: int) -> tuple[Kind, int]:
        kind, version, meta_length = _HEAD.unpack_from(self._buffer, start)
        if version != VERSION:
            raise LinkError(f"frame of version {version}, this node speaks {VERSION}")
        if meta_length > META_BYTES_MAX or meta_length > length - _HEAD.size:
            raise LinkError(f"meta data of {meta_length} bytes announced")
        try:
            return Kind(kind), meta_length
        except ValueError:
            raise LinkError(f"frame of unknown kind {kind}") from None

    def _advance(self, end: int) -> None:
        if end == len(self._buffer):
            self._buffer.clear()
            self._position = 0
        elif end >= _COMPACT_BYTES:
            del self._buffer[:end]
            self._position = 0
        else:
            self._position = end


def _unpack(data: memoryview) -> object:
    try:
        return msgpack.unpackb(
            data,
            max_array_len=4096,
            max_map_len=64,
            max_str_len=4096,
            max_bin_len=4096,
            max_ext_len=0,
            strict_map_key=True,
        )
    # msgpack raises several unrelated errors for bad bytes; all of them say the same to us.
    except (ValueError, msgpack.UnpackException, RecursionError, UnicodeDecodeError) as error:
        raise LinkError(f"meta data cannot be unpacked: {error}") from error
