"""Batches: many calls, or many replies, in the payload of one frame.

    calls   = call*                                         the payload of a CALLS frame
    call    = id database flags zero zero length request
    results = result*                                       the payload of a RESULTS frame
    result  = id status zero zero zero length reply

    id       = 4 bytes, names a call among those in flight of its link; its result repeats it
    database = 1 byte
    flags    = 1 byte: 1 = answer in RESP3, else in RESP2
                       2 = CLIENT NO-TOUCH, the access does not count for eviction
                       4 = the request has a tag in front of it
    status   = 1 byte: 0 = done, the reply follows
                       1 = not done, by the table of the other node the slot is somebody else's;
                           no reply follows
    length   = 4 bytes, of the request or reply
    request  = one command as a RESP multibulk
    tag      = counter floor, of 8 bytes each: the caller's number for this command, which it
               repeats when it sends it again, and the lowest number that it may send again
    reply    = one reply as RESP

All numbers are little-endian. Both records are thus an id, a word, a length and bytes, and one
reader and one writer do for both. Results come in any order. Nothing is packed or escaped, so that
the bytes of a client can go to the owner, and the owner's to the client, as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from .frames import Frame, Kind, LinkError, encode_head

RECORDS_MAX = 512  # in one frame
DATABASES_MAX = 256
LARGE_BYTES = 64 * 1024

DONE = 0
NOT_OWNER = 1

_RESP3 = 1 << 8
_NO_TOUCH = 2 << 8
_TAGGED = 4 << 8
WORD_OF_CALL_MAX = 0xFF | _RESP3 | _NO_TOUCH | _TAGGED

_HEAD = Struct("<III")
_TAG = Struct("<QQ")

Record = tuple[int, int, bytes]
"""The id, the word (of a call: see `word_of_call`; of a result: its status), and the bytes."""


Tag = tuple[int, int]
"""The counter and the floor of a call that runs once though it may be sent again."""


def word_of_call(database: int, protocol: int, *, no_touch: bool, is_tagged: bool = False) -> int:
    """Return how a call is to be run, for its record."""
    assert 0 <= database < DATABASES_MAX
    word = database | (_RESP3 if protocol == 3 else 0) | (_NO_TOUCH if no_touch else 0)
    return word | (_TAGGED if is_tagged else 0)


def add_tag(tag: Tag, request: bytes) -> bytes:
    """Return a request with a tag in front of it."""
    return _TAG.pack(*tag) + request


def split_tag(word: int, data: bytes) -> tuple[Tag | None, bytes]:
    """Return the tag of a call, if it has one, and its request.

    Raises:
        LinkError: there should be one and is not.
    """
    if not word & _TAGGED:
        return None, data
    if len(data) < _TAG.size:
        raise LinkError("call that is shorter than its tag")
    counter, floor = _TAG.unpack_from(data)
    return (counter, floor), data[_TAG.size :]


def is_tagged(word: int) -> bool:
    """Return whether the request of a call has a tag in front of it."""
    return bool(word & _TAGGED)


def database_of(word: int) -> int:
    """Return the database that a call is for."""
    return word & 0xFF


def protocol_of(word: int) -> int:
    """Return the version of RESP that the reply to a call is to be in."""
    return 3 if word & _RESP3 else 2


def is_no_touch(word: int) -> bool:
    """Return whether a call leaves no trace of an access on its keys."""
    return bool(word & _NO_TOUCH)


def encode_batch(kind: Kind, records: Sequence[Record]) -> list[bytes]:
    """Return a CALLS or RESULTS frame of at most `RECORDS_MAX` records, as pieces to send in order.

    Small ones are joined. Large ones are the caller's own bytes, since a copy costs more than a
    write.

    Raises:
        ValueError: its bytes would be over the limit of a frame.
    """
    assert len(records) <= RECORDS_MAX
    pieces: list[bytes] = []
    small = [b""]
    payload_bytes = _HEAD.size * len(records)
    for identifier, word, data in records:
        length = len(data)
        payload_bytes += length
        small += (_HEAD.pack(identifier, word, length), data)
        if length >= LARGE_BYTES:
            small.pop()
            pieces += (b"".join(small), data)
            small = []
    if small:
        pieces.append(b"".join(small))
    pieces[0] = encode_head(kind, payload_bytes) + pieces[0]
    return pieces


def decode_calls(frame: Frame) -> list[Record]:
    """Read a CALLS frame; the requests in it are not parsed yet.

    Raises:
        LinkError: it is malformed.
    """
    records = _decode(frame.payload)
    for _, word, _ in records:
        if word > WORD_OF_CALL_MAX:
            raise LinkError("call with unknown flags")
    return records


def decode_results(frame: Frame) -> list[Record]:
    """Read a RESULTS frame.

    Raises:
        LinkError: it is malformed.
    """
    records = _decode(frame.payload)
    for _, status, reply in records:
        if status != DONE and (status != NOT_OWNER or reply):
            raise LinkError("result with an unknown status")
    return records


def _decode(payload: bytes) -> list[Record]:
    records: list[Record] = []
    position, end = 0, len(payload)
    while position < end:
        start = position + _HEAD.size
        if start > end:
            raise LinkError("batch that ends within the head of a record")
        if len(records) == RECORDS_MAX:
            raise LinkError("too many records in a batch")
        identifier, word, length = _HEAD.unpack_from(payload, position)
        position = start + length
        if position > end:
            raise LinkError("record that goes on behind its batch")
        records.append((identifier, word, payload[start:position]))
    return records
