"""The least that a Python process can do with large values: `raw_server.py PORT`.

One connection at a time, blocking. It reads SET into memory of the value's size straight from the
socket, and answers GET from there. It checks nothing and knows one key: what it reaches is what
the sockets of the machine give, and the judge of servers that do more.
"""

from __future__ import annotations

import mmap
import socket
import sys

_GET_LINES = 5  # *2 $3 GET $n key
_SET_LINES = 6  # *3 $3 SET $n key $n


class Connection:
    """One client, served until it goes."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._unread = b""

    def serve(self, kept: mmap.mmap | None) -> mmap.mmap | None:
        """Answer commands on a value; return the last one."""
        while lines := self._lines(1):
            if lines[0] == b"*1":
                self._lines(2)
                self._socket.sendall(b"+PONG\r\n")
            elif lines[0] == b"*2":
                self._lines(_GET_LINES - 1)
                assert kept is not None
                self._socket.sendall(b"$%d\r\n" % len(kept))
                self._socket.sendall(kept)
                self._socket.sendall(b"\r\n")
            else:
                kept = self._receive(int(self._lines(_SET_LINES - 1)[-1][1:]))
                self._socket.sendall(b"+OK\r\n")
        return kept

    def _receive(self, size_bytes: int) -> mmap.mmap:
        """Return the next value, in memory that is not touched before its bytes come."""
        value = mmap.mmap(-1, size_bytes)
        done = min(size_bytes, len(self._unread))
        value[:done] = self._unread[:done]
        self._unread = self._unread[done:]
        with memoryview(value) as view:
            while done < size_bytes:
                done += self._socket.recv_into(view[done:])
        self._lines(1)
        return value

    def _lines(self, count: int) -> list[bytes]:
        """Return so many lines without their ends; none when the client is gone."""
        while self._unread.count(b"\r\n") < count:
            data = self._socket.recv(256)
            if not data:
                return []
            self._unread += data
        *lines, self._unread = self._unread.split(b"\r\n", count)
        return lines


def main() -> None:
    """Serve until killed."""
    kept: mmap.mmap | None = None
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                kept = Connection(connection).serve(kept)


if __name__ == "__main__":
    main()
