"""One reply from a connection, with every byte of it kept.

This is a reader of its own, and not `memcloud.resp.Decoder`: what is under test must not be the
judge. It knows the types by the first byte only, RESP2 and RESP3 alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

_STRINGS = b"$=!"
_AGGREGATES = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2}


@dataclass(frozen=True)
class Reply:
    """A reply as it was sent: its first line, then a string or more replies."""

    line: bytes
    """The first line without CR LF: ``:1``, ``$3``, ``*2``, ``+OK``."""
    string: bytes | None = None
    """What follows ``$3``, ``=15`` or ``!21``."""
    items: tuple[Reply, ...] = ()
    """What follows ``*2``; keys and values in turn for a map."""

    @property
    def kind(self) -> str:
        """The first byte, which says the type."""
        return chr(self.line[0])

    @property
    def is_null(self) -> bool:
        """Whether it says that there is nothing, in either protocol."""
        return self.line in (b"$-1", b"*-1", b"_")

    @property
    def integer(self) -> int | None:
        """The number, if it is an integer reply."""
        return int(self.line[1:]) if self.kind == ":" else None

    def __str__(self) -> str:
        """Everything, on one line, long strings cut."""
        if self.string is not None:
            return f"{self.kind}{_shown(self.string)}"
        if self.items:
            return f"{self.line.decode()}[{', '.join(map(str, self.items))}]"
        return repr(self.line)[2:-1]


class ConnectionClosed(Exception):
    """The server has closed the connection instead of sending a whole reply."""


def read_reply(stream: BinaryIO) -> Reply:
    """The next reply. Raises `ConnectionClosed`, and `TimeoutError` when the server is silent."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionClosed(line)
    line = line[:-2]
    if line[0] in _STRINGS and line != b"$-1":
        length = int(line[1:])
        data = stream.read(length + 2)
        if len(data) < length + 2:
            raise ConnectionClosed(line + data)
        assert data.endswith(b"\r\n"), data
        return Reply(line, string=data[:-2])
    if line[0] in _AGGREGATES and line != b"*-1":
        count = int(line[1:]) * _AGGREGATES[line[0]]
        return Reply(line, items=tuple(read_reply(stream) for _ in range(count)))
    return Reply(line)


def _shown(string: bytes) -> str:
    return repr(string[:500])[1:] + ("..." if len(string) > 500 else "")
