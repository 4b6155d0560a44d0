"""Frames: how messages between nodes are cut out of a byte stream.

    frame   = length kind version meta-length meta payload
    length  = 4 bytes, big-endian: everything that follows it
    kind    = 1 byte, see `Kind`
    version = 1 byte, of this layout
    meta-length = 4 bytes, big-endian; 0 for CALLS, RESULTS and MESSAGE
    meta    = msgpack, small and bounded: who, what is seen
    payload = raw bytes: commands and replies, see batch.py; what the members agree by, see
              `encode_messages` in messages.py; nothing in the other kinds

Keys, values and replies travel as raw bytes and never inside msgpack: packing would copy a large
value twice, and unpacking a hostile one can cost a hundred times its size. Nor does what is said of
each of them, since that would cost more than small ones do themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

import msgpack

from memcloud.errors import MemCloudError

VERSION = 1
META_BYTES_MAX = 64 * 1024
# What a stranger may send before it is known.
GREETING_BYTES_MAX = META_BYTES_MAX + 6
# A batch is cut well before this; only one giant command or reply comes near it.
FRAME_BYTES_MAX = (1 << 30) + (1 << 20)

_LENGTH_BYTES = 4
_LENGTH = Struct("!I")
_HEAD_BYTES = 6  # behind the length
_WHOLE_HEAD = Struct("!IBBI")
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
    MESSAGE = 9


WITH_PAYLOAD = (Kind.CALLS, Kind.RESULTS, Kind.MESSAGE)
"""The kinds of which frames are many or large: these have a payload and no meta data."""

_KINDS = {int(kind): kind for kind in Kind}


@dataclass(slots=True)
class Frame:
    """One message as it came; ``meta`` is whatever msgpack held and wants checking."""

    kind: Kind
    meta: object
    payload: bytes = b""


def encode_frame(kind: Kind, meta: object) -> bytes:
    """Return the bytes of a frame that is no batch.

    Raises:
        ValueError: if it would break the limits that the other side keeps.
    """
    packed: bytes = msgpack.packb(meta)
    return encode_head(kind, 0, len(packed)) + packed


def encode_head(kind: Kind, payload_bytes: int, meta_bytes: int = 0) -> bytes:
    """Return what stands in front of the meta data and the payload of a frame.

    Raises:
        ValueError: as `encode_frame`.
    """
    length = _HEAD_BYTES + meta_bytes + payload_bytes
    if meta_bytes > META_BYTES_MAX or length > FRAME_BYTES_MAX:
        raise ValueError(f"a {kind.name} frame of {length} bytes is over the limit")
    return _WHOLE_HEAD.pack(length, kind, VERSION, meta_bytes)


class FrameParser:
    """Bytes in, frames out. Memory grows with what has arrived, never with what is announced.

    ``frame_bytes_max`` may be changed between two calls of `maybe_take`.
    """

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self.frame_bytes_max = frame_bytes_max
        self._buffer = bytearray()
        self._position = 0

    def feed(self, data: bytes) -> None:
        """Add received bytes; nothing is looked at yet."""
        self._buffer += data

    @property
    def is_within(self) -> bool:
        """Whether a frame has begun and is not whole."""
        return len(self._buffer) > self._position

    def maybe_take(self) -> Frame | None:
        """Return the next whole frame, or None until more has come.

        Raises:
            LinkError: the bytes are no frame of ours, or over a limit.
        """
        buffer, start = self._buffer, self._position
        available = len(buffer) - start
        if available < _WHOLE_HEAD.size:
            if available >= _LENGTH_BYTES:
                self._check_length(_LENGTH.unpack_from(buffer, start)[0])
            return None
        # Garbage is refused by its head, without waiting for what its length promises.
        length, number, version, meta_bytes = _WHOLE_HEAD.unpack_from(buffer, start)
        self._check_length(length)
        kind = _check_head(number, version, meta_bytes, length)
        if available < _LENGTH_BYTES + length:
            return None
        end = start + _LENGTH_BYTES + length
        with memoryview(buffer) as view:
            body = bytes(view[start + _WHOLE_HEAD.size : end])
        self._advance(end)
        return Frame(kind, None, body) if kind in WITH_PAYLOAD else Frame(kind, _unpack(body))

    def _check_length(self, length: int) -> None:
        if not _HEAD_BYTES <= length <= self.frame_bytes_max:
            raise LinkError(f"frame of {length} bytes announced")

    def _advance(self, end: int) -> None:
        if end == len(self._buffer):
            self._buffer.clear()
            self._position = 0
        elif end >= _COMPACT_BYTES:
            del self._buffer[:end]
            self._position = 0
        else:
            self._position = end


def _check_head(number: int, version: int, meta_bytes: int, length: int) -> Kind:
    if version != VERSION:
        raise LinkError(f"frame of version {version}, this node speaks {VERSION}")
    kind = _KINDS.get(number)
    if kind is None:
        raise LinkError(f"frame of unknown kind {number}")
    meta_bytes_due = 0 if kind in WITH_PAYLOAD else length - _HEAD_BYTES
    if meta_bytes != meta_bytes_due or meta_bytes > META_BYTES_MAX:
        raise LinkError(f"meta data of {meta_bytes} bytes announced")
    return kind


def _unpack(data: bytes) -> object:
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
