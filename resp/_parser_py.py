"""The parser of requests in plain Python: the specification that a faster one is held to.

Bytes go in by `Parser.feed`, commands come out of `Parser.take`, whatever the pieces in which the
bytes arrive. The grammar, as Redis 7.0 reads it::

    request   = multibulk | inline
    multibulk = "*" integer CR any  argument{integer times}     (no command if integer <= 0)
    argument  = "$" integer CR any  byte{integer times}  any any
    inline    = byte{*} [CR] LF                                 (for its words see inline.py)

``any`` is a byte that nobody looks at: Redis trusts the client that LF follows CR, and CR LF an
argument. So do we, since one stream must not mean two things to two servers. It also looks for
the end of a line as C looks through a string, so that a NUL hides what follows: the line is
unfinished, until it is too long.

A command is parsed when it is taken and not before, since the one in front of it may change the
limits (AUTH does). How the bytes are kept, and what that costs, stands in buffer.py.
"""

from __future__ import annotations

from typing import Final

from .buffer import Buffer
from .errors import ProtocolError
from .inline import split_inline
from .integers import LENGTH_HEADERS, parse_integer
from .limits import Limits

# Headers of nearly all commands; as `LENGTH_HEADERS`.
_COUNTS: Final = {b"*%d" % count: count for count in range(1, 1025)}

_STAR: Final = ord("*")

_COUNT_HEADER_BYTES_MAX: Final = 8
"""Beyond the longest of `_COUNTS`; without a bound, lines that end with LF alone would each be
searched for a CR up to the end of all that has arrived."""


class Parser:
    """Turns the bytes of one client into commands.

    ``limits`` may be changed, or replaced, between two calls of `take`.
    """

    __slots__ = (
        "_argument_bytes",
        "_arguments",
        "_arguments_missing",
        "_begun_bytes",
        "_buffer",
        "_failure",
        "limits",
    )

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = Limits() if limits is None else limits
        self._buffer = Buffer()
        # The multibulk command that has begun and is not whole yet: its arguments so far, how
        # many are to come, the length of the next one if its header has been read.
        self._arguments: list[bytes] | None = None
        self._arguments_missing = 0
        self._argument_bytes: int | None = None
        self._begun_bytes = 0
        self._failure: str | None = None

    @property
    def buffered_bytes(self) -> int:
        """How many bytes have come of commands that have not been taken."""
        return self._buffer.unread_bytes + self._begun_bytes

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Add received bytes; nothing is parsed yet. After an error they are thrown away."""
        if self._failure is None:
            self._buffer.feed(data)

    def take(self) -> list[bytes] | None:
        """The next command, of one argument or more; None until more bytes are fed.

        Raises `ProtocolError` when the client has broken the protocol, and ever after.
        """
        if self._arguments is None:
            command = self._take_usual_command()
            if command is not None:
                return command
        if self._failure is not None:
            raise ProtocolError(self._failure)
        try:
            return self._take_any_command()
        except ProtocolError as error:
            self._fail(str(error))
            raise

    def _take_usual_command(self) -> list[bytes] | None:
        """The next command if it is here and there is nothing unusual about it, else None.

        It is `_take_any_command` for nearly all commands, at a third of the time. The others it
        leaves to that one, as if they had not been looked at.
        """
        buffer = self._buffer
        data = buffer.data
        position = buffer.position
        limits = self.limits
        header_end = data.find(b"\r", position, position + _COUNT_HEADER_BYTES_MAX)
        if header_end < 0:
            return None
        missing = _COUNTS.get(data[position:header_end])
        if missing is None or missing > limits.arguments_max:
            return None
        position = header_end + 2
        last_stop = len(data) - 2
        bulk_bytes_max = limits.bulk_bytes_max
        arguments = []
        while missing:
            header_end = data.find(b"\r", position)
            header = data[position:header_end]
            length = LENGTH_HEADERS.get(header) or _maybe_length(header)
            if length is None or length > bulk_bytes_max or header_end < 0:
                return None
            start = header_end + 2
            position = start + length
            if position > last_stop:
                return None
            arguments.append(data[start:position])
            position += 2
            missing -= 1
        buffer.position = position
        return arguments

    def _take_any_command(self) -> list[bytes] | None:
        arguments = self._arguments
        if arguments is None:
            arguments = self._begin()
        if arguments is None or not self._fill(arguments):
            return None
        self._arguments = None
        self._begun_bytes = 0
        return arguments

    def _begin(self) -> list[bytes] | None:
        """The words of an inline command, or the empty list that arguments are to fill.

        Requests of no argument are passed over. None until more bytes are fed.
        """
        buffer = self._buffer
        while buffer.has_data():
            if buffer.data[buffer.position] == _STAR:
                count = self._read_count()
                if count is None:
                    return None
                if count > 0:
                    self._arguments_missing = count
                    self._arguments = []
                    return self._arguments
            else:
                words = self._read_words()
                if words is None or words:
                    return words
        return None

    def _fill(self, arguments: list[bytes]) -> bool:
        """Add to ``arguments`` what is here of them; whether that is all."""
        while self._arguments_missing:
            argument = self._read_argument()
            if argument is None:
                return False
            arguments.append(argument)
            self._arguments_missing -= 1
            self._begun_bytes += len(argument) + 2
        return True

    def _read_words(self) -> list[bytes] | None:
        """The words of an inline request; None until its line is whole."""
        end = self._find_line_end(b"\n", 0, "Protocol error: too big inline request")
        if end is None:
            return None
        line = self._buffer.take_to(end, 1)
        return split_inline(line.removesuffix(b"\r"))

    def _read_count(self) -> int | None:
        """How many arguments a request claims, maybe a negative number; None until it is here."""
        header = self._read_header("Protocol error: too big mbulk count string")
        if header is None:
            return None
        count = parse_integer(header[1:])
        if count is None:
            raise ProtocolError("Protocol error: invalid multibulk length")
        if count > self.limits.arguments_max:
            raise self.limits.too_many_arguments(count)
        if count > 0:
            self._begun_bytes = len(header) + 2
        return count

    def _read_argument(self) -> bytes | None:
        """The next argument of the command that has begun; None until it is whole."""
        if self._argument_bytes is None:
            self._argument_bytes = self._read_length()
            if self._argument_bytes is None:
                return None
        argument = self._buffer.take_string(self._argument_bytes)
        if argument is not None:
            self._argument_bytes = None
        return argument

    def _read_length(self) -> int | None:
        """How many bytes an argument claims to have; None until that is here."""
        header = self._read_header("Protocol error: too big bulk count string")
        if header is None:
            return None
        if header[:1] != b"$":
            # Without a first byte, that byte is the CR which ended the header.
            found = (header[:1] or b"\r").decode("utf-8", "surrogateescape")
            raise ProtocolError(f"Protocol error: expected '$', got '{found}'")
        length = _maybe_length(header)
        if length is None:
            raise ProtocolError("Protocol error: invalid bulk length")
        if length > self.limits.bulk_bytes_max:
            raise self.limits.too_long_argument(length)
        self._begun_bytes += len(header) + 2
        return length

    def _read_header(self, too_big: str) -> bytes | None:
        """What stands in front of the next CR, ``$3`` for example; None until it is whole."""
        end = self._find_line_end(b"\r", 1, too_big)
        return None if end is None else self._buffer.take_to(end, 2)

    def _find_line_end(self, end_byte: bytes, bytes_behind: int, too_big: str) -> int | None:
        """Where the line ends, as `Buffer.find_line_end`, no NUL being before that.

        Raises `ProtocolError` with the text ``too_big`` when there is more than a line's worth.
        """
        buffer = self._buffer
        line_bytes_max = self.limits.inline_bytes_max
        end = buffer.find_line_end(end_byte, bytes_behind, line_bytes_max)
        if end is not None and buffer.data.find(b"\0", buffer.position, end) < 0:
            return end
        if buffer.unread_bytes > line_bytes_max:
            raise ProtocolError(too_big)
        return None

    def _fail(self, text: str) -> None:
        """Remember the error, and let go of everything else."""
        self._buffer = Buffer()
        self._arguments = None
        self._begun_bytes = 0
        self._failure = text


def _maybe_length(header: bytes) -> int | None:
    """The length that ``header`` claims, or None where there is something wrong with it."""
    length = parse_integer(header[1:]) if header[:1] == b"$" else None
    return None if length is None or length < 0 else length
