"""Questions to a real redis-server, many at a time, for tests that compare us with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from memcloud.resp import Decoder, encode
from memcloud.resp.decoder import INCOMPLETE
from tests.redis_server import RedisServer

Word = bytes | str | int


class RealRedis:
    """A connection to a server of its own."""

    def __init__(self, server: RedisServer) -> None:
        self._connection = server.connect()
        self._decoder = Decoder()

    def ask(self, *words: Word) -> Any:
        """Return the decoded reply to one command."""
        return self.ask_all([words])[0]

    def ask_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """Return the decoded replies to commands that are sent together."""
        self._connection.sendall(b"".join(encode(list(map(_bytes, c)), 2) for c in commands))
        return [self._next() for _ in commands]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _next(self) -> Any:
        while (reply := self._decoder.take()) is INCOMPLETE:
            data = self._connection.recv(1 << 20)
            assert data, "redis-server closed the connection"
            self._decoder.feed(data)
        return reply


@contextmanager
def real_redis() -> Iterator[RealRedis]:
    """Run a redis-server and connect to it."""
    with RedisServer() as server:
        redis = RealRedis(server)
        try:
            yield redis
        finally:
            redis.close()


def _bytes(word: Word) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()
