"""Received bytes, kept until somebody reads them.

They are read where they arrived, in ``data`` from ``position`` on. What arrives before ``data`` is
used up gathers in ``later``, and is joined to the unread rest of ``data`` only when that rest is a
piece of a line. So each byte is copied a constant number of times, be a string ever so long and
its pieces ever so small. A string that spans both is made from both at once, so that memory stays
at twice what was received. Nothing is allocated from a length that is only claimed.
"""

from __future__ import annotations


class Buffer:
    """Bytes in by `feed`, lines and strings of a known length out."""

    __slots__ = ("data", "later", "position")

    def __init__(self) -> None:
        self.data = b""
        self.position = 0
        self.later = bytearray()

    @property
    def unread_bytes(self) -> int:
        """How many bytes are here that have not been read."""
        return len(self.data) - self.position + len(self.later)

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes at the end."""
        if self.position == len(self.data) and not self.later:
            self.data = bytes(data)
            self.position = 0
        else:
            self.later += data

    def has_data(self) -> bool:
        """Whether a byte is unread; then ``data[position]`` is the next one."""
        return self.position < len(self.data) or self._join()

    def find_line_end(self, end: bytes, bytes_behind: int, line_bytes_max: int) -> int | None:
        """Where in ``data`` the byte ``end`` comes next, with ``bytes_behind`` more behind it.

        None when it is not here yet, and when the line would be longer than ``line_bytes_max``:
        in that case `unread_bytes` is above it, and more bytes cannot help.
        """
        reach = line_bytes_max + 1 - bytes_behind
        while True:
            found = self.data.find(end, self.position, self.position + reach)
            if found >= 0 and found + bytes_behind < len(self.data):
                return found
            if len(self.data) - self.position > line_bytes_max or not self._join():
                return None

    def take_to(self, end: int, bytes_behind: int) -> bytes:
        """``data`` up to the index ``end``; reading goes on so many bytes behind that."""
        taken = self.data[self.position : end]
        self.position = end + bytes_behind
        return taken

    def peek(self, offset: int, length: int) -> bytes:
        """``length`` bytes, or as many as are here, from ``offset`` bytes ahead; not read yet."""
        start = self.position + offset
        stop = start + length
        data_bytes = len(self.data)
        in_data = self.data[start:stop]
        return in_data + self.later[max(0, start - data_bytes) : max(0, stop - data_bytes)]

    def take_string(self, length: int) -> bytes | None:
        """The next ``length`` bytes without the two behind them; None until all are here."""
        if self.unread_bytes < length + 2:
            return None
        start = self.position
        stop = start + length
        self.position = stop + 2
        if self.position <= len(self.data):
            return self.data[start:stop]
        return self._take_across(start, stop)

    def _take_across(self, start: int, stop: int) -> bytes:
        """``data[start:stop]``, going on in ``later``; what is behind becomes ``data``."""
        data_bytes = len(self.data)
        with memoryview(self.data) as early, memoryview(self.later) as later:
            string = b"".join((early[start:stop], later[: max(0, stop - data_bytes)]))
            self.data = bytes(later[stop + 2 - data_bytes :])
        self.position = 0
        self.later = bytearray()
        return string

    def _join(self) -> bool:
        """Append ``later`` to the unread rest of ``data``; whether there was anything."""
        if not self.later:
            return False
        self.data = self.data[self.position :] + self.later
        self.position = 0
        self.later = bytearray()
        return True
