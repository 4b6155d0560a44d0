"""The client library: a `redis.Redis` that also knows blocks and peers.

It adds no protocol code: STORE, LOAD, FREE and PEERS are commands like any other, and everything
that redis-py can do with a node (pipelines, pools, retries) it does here as well. The asyncio
client of the same name is in `memcloud.sdk.aio`.
"""

from __future__ import annotations

from .client import MemCloud
from .errors import NoPeer, PeerDown
from .peer import Peer

__all__ = ["MemCloud", "NoPeer", "Peer", "PeerDown"]
