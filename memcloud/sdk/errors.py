"""Error replies that programs tell apart. Both are `redis.ResponseError`, as redis-py's own are."""

from __future__ import annotations

from redis.exceptions import ResponseError


class NoPeer(ResponseError):
    """You named a peer that nobody in the pool has seen; `MemCloud.peers` lists their names."""


class PeerDown(ResponseError):
    """The node that holds the block is away; the block may come back with it. Not a miss."""


_BY_CODE: dict[str, type[ResponseError]] = {"NOPEER": NoPeer, "PEERDOWN": PeerDown}


def translated(error: ResponseError) -> ResponseError:
    """Return the error as one of ours if its code is ours, else the same error."""
    if type(error) is not ResponseError:
        return error
    kind = _BY_CODE.get(str(error).partition(" ")[0])
    return error if kind is None else kind(str(error))
