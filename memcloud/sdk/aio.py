"""The asyncio client: the same names as the blocking one, awaitable."""

from __future__ import annotations

from typing import Any, Self

import redis.asyncio
from redis.client import NEVER_DECODE
from redis.exceptions import ResponseError

from .client import DEFAULT_PORT, with_default_port
from .errors import translated
from .peer import Peer, parse_peers

__all__ = ["MemCloud"]


class MemCloud(redis.asyncio.Redis):
    """A `redis.asyncio.Redis` for a node of MemCloud; see `memcloud.sdk.MemCloud`."""

    def __init__(
        self, *, host: str = "localhost", port: int = DEFAULT_PORT, **options: Any
    ) -> None:
        super().__init__(host=host, port=port, **options)

    @classmethod
    def from_url(cls, url: str, *flags: Any, **options: Any) -> Self:
        """Return a client for a URL; see `memcloud.sdk.MemCloud.from_url`."""
        client = super().from_url(url, *flags, **with_default_port(url, options))
        assert isinstance(client, cls)
        return client

    async def store(self, data: bytes | str, peer: str | None = None) -> int:
        """Store a block of bytes, on the named peer if there is one; return its id."""
        return int(await self._call("STORE", data, *([] if peer is None else ["PEER", peer])))

    async def load(self, block: int) -> bytes | None:
        """Return the bytes of a block, never decoded; None if there is no such block."""
        data: bytes | None = await self._call("LOAD", block, **{NEVER_DECODE: True})
        return data

    async def free(self, *blocks: int) -> int:
        """Give the memory of blocks back; return how many of them there were."""
        return int(await self._call("FREE", *blocks)) if blocks else 0

    async def peers(self) -> list[Peer]:
        """Return the members of the pool, the asked node first, those that are down included."""
        return parse_peers(await self._call("PEERS"))

    async def connect_peer(self, host: str, port: int = DEFAULT_PORT) -> None:
        """Link the node up with one that mDNS cannot see; ``port`` is that of its clients."""
        await self._call("PEER CONNECT", host, port)

    async def parse_response(self, connection: Any, command_name: Any, **options: Any) -> Any:
        """Read a reply as redis-py does, with error codes of ours as exceptions of ours."""
        try:
            read: Any = super().parse_response
            return await read(connection, command_name, **options)
        except ResponseError as error:
            raise translated(error) from None

    async def _call(self, *words: Any, **options: Any) -> Any:
        execute: Any = self.execute_command  # redis-py gives it no types
        return await execute(*words, **options)
