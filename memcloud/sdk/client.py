"""The blocking client."""

from __future__ import annotations

from typing import Any, Self

import redis
from redis.client import NEVER_DECODE
from redis.exceptions import ResponseError

from .errors import translated
from .peer import Peer, parse_peers

DEFAULT_PORT = 6380


def with_default_port(url: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a client with MemCloud's port, which one in the URL overrides."""
    return options if url.startswith("unix:") else {"port": DEFAULT_PORT, **options}


class MemCloud(redis.Redis):
    """A `redis.Redis` for a node of MemCloud, by default the one on this machine.

    >>> pool = MemCloud()
    >>> block = pool.store(b"some bytes")
    >>> pool.load(block)
    b'some bytes'

    All arguments are those of `redis.Redis`; any node of the pool serves every key and block.
    """

    def __init__(self, host: str = "localhost", port: int = DEFAULT_PORT, **options: Any) -> None:
        super().__init__(host, port, **options)

    @classmethod
    def from_url(cls, url: str, **options: Any) -> Self:
        """Return a client for ``redis://[:password@]host[:port]`` or ``unix://path``.

        A URL without a port means MemCloud's, not Redis'.
        """
        client = super().from_url(url, **with_default_port(url, options))
        assert isinstance(client, cls)
        return client

    def store(self, data: bytes | str, peer: str | None = None) -> int:
        """Store a block of bytes, on the named peer if there is one; return its id.

        Raises:
            NoPeer: nobody in the pool has that name.
            PeerDown: the peer is away.
        """
        return int(self._call("STORE", data, *([] if peer is None else ["PEER", peer])))

    def load(self, block: int) -> bytes | None:
        """Return the bytes of a block, never decoded; None if there is no such block.

        Raises:
            PeerDown: the node that holds it is away.
        """
        data: bytes | None = self._call("LOAD", block, **{NEVER_DECODE: True})
        return data

    def free(self, *blocks: int) -> int:
        """Give the memory of blocks back; return how many of them there were."""
        return int(self._call("FREE", *blocks)) if blocks else 0

    def peers(self) -> list[Peer]:
        """Return the members of the pool, the asked node first, those that are down included."""
        return parse_peers(self._call("PEERS"))

    def connect_peer(self, host: str, port: int = DEFAULT_PORT) -> None:
        """Link the node up with one that mDNS cannot see; ``port`` is that of its clients.

        Raises:
            redis.ResponseError: nobody answers there, or not a node of this cluster.
        """
        self._call("PEER CONNECT", host, port)

    def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        """Read a reply as redis-py does, with error codes of ours as exceptions of ours."""
        try:
            read: Any = super().parse_response
            return read(connection, command_name, **options)
        except ResponseError as error:
            raise translated(error) from None

    def _call(self, *words: Any, **options: Any) -> Any:
        execute: Any = self.execute_command  # redis-py gives it no types
        return execute(*words, **options)
