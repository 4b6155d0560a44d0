"""Replies from bytes: RESP2 and RESP3, incremental, for whoever asks a server.

types.py has what becomes of each type. Beyond its table: an error that comes as a bulk string
(``!``) is an `ErrorReply` as well, and a map is a dict only when that loses nothing; else, with
a list for a key for example, or 1 beside true, it is a list of ``[key, value]`` pairs.

Unlike a request, a reply must be spelled well: each line ends with CR LF, and each string is
followed by them. What is out of step would otherwise pass for the answers to other questions.
Strings and aggregates whose length is not told beforehand (``$?``, ``*?``) are not supported,
since no server sends them.

Replies hold replies. Those that have begun are kept on a stack of our own, so that one can stop
anywhere and go on with the next bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

from .aggregates import AGGREGATES, Aggregate
from .buffer import Buffer
from .errors import ProtocolError
from .integers import LENGTH_HEADERS, parse_integer
from .limits import ReplyLimits
from .scalars import LINES, STRINGS
from .types import NULL_ARRAY, NullArray, Reply


class Incomplete(Enum):
    """The type of `INCOMPLETE`."""

    INCOMPLETE = "incomplete"


INCOMPLETE: Final = Incomplete.INCOMPLETE
"""What `Decoder.take` gives when more bytes are needed; None is a reply."""

_USUAL_HEADER_BYTES_MAX: Final = 8
"""Beyond the longest of `LENGTH_HEADERS`."""


class Decoder:
    """Turns the bytes of one server into replies."""

    def __init__(self, limits: ReplyLimits | None = None) -> None:
        self.limits = ReplyLimits() if limits is None else limits
        self._buffer = Buffer()
        self._begun: list[_Begun] = []
        # The string whose line has been read: its length, and what to make of it.
        self._string: tuple[int, Callable[[bytes], Reply]] | None = None
        self._failure: str | None = None

    @property
    def buffered_bytes(self) -> int:
        """How many bytes are here that have not been decoded."""
        return self._buffer.unread_bytes

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Add received bytes; nothing is decoded yet. After an error they are thrown away."""
        if self._failure is None:
            self._buffer.feed(data)

    def take(self) -> Reply | Incomplete:
        """The next reply; `INCOMPLETE` until more bytes are fed.

        Raises `ProtocolError` when the server has broken the protocol, and ever after.
        """
        if self._failure is not None:
            raise ProtocolError(self._failure)
        try:
            return self._take()
        except ProtocolError as error:
            self._failure = str(error)
            self._buffer = Buffer()
            self._begun = []
            raise

    def _take(self) -> Reply | Incomplete:
        while True:
            value: Reply | Incomplete | _Begun = self._maybe_usual_string()
            if value is None:
                value = self._read_value()
            if isinstance(value, Incomplete):
                return value
            if isinstance(value, _Begun):
                if value.items_missing:
                    self._begun.append(value)
                    continue
                value = value.build()
            # It may be the last one that the aggregate around it waits for, and so on outwards.
            while self._begun and self._begun[-1].add(value):
                value = self._begun.pop().build()
            if not self._begun:
                return value

    def _maybe_usual_string(self) -> bytes | None:
        """The next value if it is a short string and all of it is at hand, else None.

        It is `_read_value` for most values of most replies, at a third of the time; the others
        it leaves as they are.
        """
        if self._string is not None:
            return None
        buffer = self._buffer
        data = buffer.data
        position = buffer.position
        header_end = data.find(b"\r\n", position, position + _USUAL_HEADER_BYTES_MAX)
        if header_end < 0:
            return None
        length = LENGTH_HEADERS.get(data[position:header_end])
        if length is None or length > self.limits.bulk_bytes_max:
            return None
        start = header_end + 2
        stop = start + length
        if data[stop : stop + 2] != b"\r\n":
            return None
        buffer.position = stop + 2
        return data[start:stop]

    def _read_value(self) -> Reply | Incomplete | _Begun:
        """The next value that holds no others, or one that does and has just begun."""
        if self._string is None:
            line = self._read_line()
            if line is None:
                return INCOMPLETE
            kind, text = line[:1], line[1:]
            if kind in LINES:
                return LINES[kind](text)
            if kind in AGGREGATES:
                return self._begin(AGGREGATES[kind], line)
            if kind not in STRINGS:
                raise ProtocolError("unknown type of a reply")
            if line == b"$-1":
                return None
            self._string = self._length(text, self.limits.bulk_bytes_max), STRINGS[kind]
        return self._read_string(*self._string)

    def _read_line(self) -> bytes | None:
        end = self._buffer.find_line_end(b"\n", 0, self.limits.line_bytes_max)
        if end is None:
            if self._buffer.unread_bytes > self.limits.line_bytes_max:
                raise ProtocolError("too long line in a reply")
            return None
        line = self._buffer.take_to(end, 1)
        if line[-1:] != b"\r":
            raise ProtocolError("line without CR in a reply")
        return line[:-1]

    def _begin(self, aggregate: Aggregate, line: bytes) -> NullArray | _Begun:
        if line == b"*-1":
            return NULL_ARRAY
        count = self._length(line[1:], self.limits.elements_max)
        if len(self._begun) == self.limits.depth_max:
            raise ProtocolError("too deep reply")
        return _Begun(aggregate, count)

    def _read_string(self, length: int, build: Callable[[bytes], Reply]) -> Reply | Incomplete:
        if self._buffer.unread_bytes < length + 2:
            return INCOMPLETE
        if self._buffer.peek(length, 2) != b"\r\n":
            raise ProtocolError("string without CR LF in a reply")
        string = self._buffer.take_string(length)
        assert string is not None, "all of it is here"
        self._string = None
        return build(string)

    @staticmethod
    def _length(text: bytes, length_max: int) -> int:
        length = parse_integer(text)
        if length is None or not 0 <= length <= length_max:
            raise ProtocolError("invalid length in a reply")
        return length


class _Begun:
    """An aggregate whose items are not all here yet."""

    __slots__ = ("_aggregate", "_items", "items_missing")

    def __init__(self, aggregate: Aggregate, count: int) -> None:
        self._aggregate = aggregate
        self._items: list[Reply] = []
        self.items_missing = count * aggregate.items_each + aggregate.items_more

    def add(self, item: Reply) -> bool:
        """Add an item; whether it was the last one."""
        self._items.append(item)
        self.items_missing -= 1
        return not self.items_missing

    def build(self) -> Reply:
        """What it is, now that all items are here."""
        return self._aggregate.build(self._items)


def decode(data: bytes) -> Reply:
    """The one reply that ``data`` is.

    Raises `ProtocolError` when it is not one, is not whole, or is followed by something.
    """
    decoder = Decoder()
    decoder.feed(data)
    reply = decoder.take()
    if isinstance(reply, Incomplete):
        raise ProtocolError("incomplete reply")
    if decoder.buffered_bytes:
        raise ProtocolError("more than one reply")
    return reply
