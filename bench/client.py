"""A client on a blocking socket, for all servers alike: no copy of large values, no event loop."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from memcloud.resp import Decoder, ErrorReply, Reply, encode
from memcloud.resp.decoder import INCOMPLETE

from .errors import BenchError

_OK = b"+OK\r\n"


class Client:
    """One connection; a context manager that closes it."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._decoder = Decoder()

    def ask(self, *words: str | bytes | int) -> Reply:
        """Send a command and return its reply. Raises BenchError if it is an error."""
        (reply,) = self.batch([words])
        if isinstance(reply, ErrorReply):
            raise BenchError(f"{' '.join(map(str, words))[:80]}: {reply.text}")
        return reply

    def batch(self, commands: Sequence[Sequence[str | bytes | int]]) -> list[Reply]:
        """Send commands in one go and return their replies, errors among them."""
        self.socket.sendall(b"".join(request(*words) for words in commands))
        return [self._reply() for _ in commands]

    def info(self) -> dict[str, str]:
        """Return all of INFO."""
        text = self.ask("INFO")
        assert isinstance(text, bytes)
        return parsed_info(text)

    def set_large(self, key: bytes, value: memoryview) -> None:
        """SET without a copy of the value."""
        header = b"*3\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n" % (len(key), key, len(value))
        self.socket.sendall(header)
        self.socket.sendall(value)
        self.socket.sendall(b"\r\n")  # at once, for TCP_NODELAY is set
        if (reply := self._exactly(len(_OK))) != _OK:
            raise BenchError(f"SET of {len(value)} bytes was answered with {reply!r}")

    def get_large(self, key: bytes, into: memoryview) -> None:
        """GET straight into a buffer of the value's size. Raises BenchError if it is another."""
        expected = b"$%d\r\n" % len(into)
        self.socket.sendall(request(b"GET", key))
        if (header := self._exactly(len(expected))) != expected:
            raise BenchError(f"GET was answered with {header!r} instead of {expected!r}")
        done = 0
        while done < len(into):
            count = self.socket.recv_into(into[done:])
            if count == 0:
                raise BenchError("the server closed the connection within a value")
            done += count
        self._exactly(2)

    def fill(self, numbers: range, value: bytes, batch: int = 1000) -> None:
        """SET a key of 16 bytes for each number. Raises BenchError if one is refused."""
        head = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n" + b"$%d\r\n%b\r\n" % (len(value), value)
        for part in batches(numbers, batch):
            self.send_sets([head % number for number in part])

    def send_sets(self, requests: Sequence[bytes]) -> None:
        """Send SETs in one go. Raises BenchError if one is refused."""
        self._expect(requests, _OK)

    def delete_each(self, numbers: range, batch: int = 1000) -> None:
        """DEL the key of each number by itself. Raises BenchError if one is not there."""
        for part in batches(numbers, batch):
            self._expect([b"*2\r\n$3\r\nDEL\r\n$16\r\nkey:%012d\r\n" % n for n in part], b":1\r\n")

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def _expect(self, requests: Sequence[bytes], reply: bytes) -> None:
        """Send commands in one go, and see that each has this reply."""
        self.socket.sendall(b"".join(requests))
        expected = reply * len(requests)
        if (replies := self._exactly(len(expected))) != expected:
            raise BenchError(f"{requests[0][:60]!r} and so on: {replies[:200]!r}")

    def _reply(self) -> Reply:
        while (reply := self._decoder.take()) is INCOMPLETE:
            data = self.socket.recv(1 << 16)
            if not data:
                raise BenchError("the server closed the connection")
            self._decoder.feed(data)
        return reply

    def _exactly(self, count: int) -> bytes:
        """Return the next bytes; fewer at an error reply, which would not fill them."""
        received = bytearray()
        while len(received) < count:
            data = self.socket.recv(count - len(received))
            received += data
            if not data or (received.startswith(b"-") and received.endswith(b"\n")):
                break
        return bytes(received)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def request(*words: str | bytes | int) -> bytes:
    """Return a command as it travels."""
    return encode([w if isinstance(w, bytes) else str(w).encode() for w in words], 2)


def batches(numbers: range, size: int) -> Iterator[range]:
    """Yield the numbers in runs."""
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]


def parsed_info(text: bytes) -> dict[str, str]:
    """Return the fields of a reply to INFO."""
    lines = (line.partition(":") for line in text.decode(errors="replace").splitlines())
    return {name: value for name, colon, value in lines if colon}
