"""The node as a server: TIME, ROLE, emptying and swapping databases, and what monitors ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import CommandError, SyntaxFault
from memcloud.resp import Reply

from . import spread
from .numbers import parse_int32
from .table import Args, Family

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("server")

EVERYWHERE = "request_policy:all_shards response_policy:all_succeeded"


@FAMILY.command(
    "time",
    1,
    "loading stale fast",
    since="2.6.0",
    summary="Tells the time of the node's wall clock.",
    tips="nondeterministic_output",
)
def time_(context: Context, args: Args) -> Reply:
    """TIME: seconds since 1970, and the microseconds of the second."""
    seconds, microseconds = divmod(context.node.clock.unix_us(), 1_000_000)
    return [b"%d" % seconds, b"%d" % microseconds]


@FAMILY.command(
    "role",
    1,
    "noscript loading stale fast",
    since="2.8.12",
    summary="Tells the role of the node in replication.",
    acl="admin dangerous",
)
def role(context: Context, args: Args) -> Reply:
    """ROLE: every node is the master of its slots, with no replicas."""
    return [b"master", 0, []]


@FAMILY.command(
    "dbsize",
    1,
    "readonly fast",
    gather=spread.dbsize,
    summary="Counts the keys of the database on all nodes.",
    tips="request_policy:all_shards response_policy:agg_sum",
    acl="keyspace",
)
def dbsize(context: Context, args: Args) -> Reply:
    """DBSIZE: the share of this node."""
    return len(context.keys)


@FAMILY.command(
    "flushdb",
    -1,
    "write",
    gather=spread.flush,
    complexity="O(N) where N is the number of keys in the selected database",
    summary="Empties the database on all nodes.",
    syntax="[ASYNC | SYNC]",
    tips=EVERYWHERE,
    acl="keyspace dangerous",
)
def flushdb(context: Context, args: Args) -> Reply:
    """FLUSHDB [ASYNC | SYNC]: both free the memory at once."""
    _check_flush(args)
    context.keys.flush()
    return "OK"


@FAMILY.command(
    "flushall",
    -1,
    "write",
    gather=spread.flush,
    complexity="O(N) where N is the total number of keys in all databases",
    summary="Empties all databases on all nodes; blocks stay.",
    syntax="[ASYNC | SYNC]",
    tips=EVERYWHERE,
    acl="keyspace dangerous",
)
def flushall(context: Context, args: Args) -> Reply:
    """FLUSHALL [ASYNC | SYNC]: both free the memory at once."""
    _check_flush(args)
    context.node.store.flush()
    return "OK"


@FAMILY.command(
    "swapdb",
    3,
    "write fast",
    gather=spread.swap,
    since="4.0.0",
    summary="Exchanges two databases on all nodes.",
    syntax="index1 index2",
    acl="keyspace dangerous",
)
def swapdb(context: Context, args: Args) -> Reply:
    """SWAPDB index1 index2."""
    first, second = _index(args[1], "first"), _index(args[2], "second")
    store = context.node.store
    if not (0 <= first < len(store.databases) and 0 <= second < len(store.databases)):
        raise CommandError("ERR DB index is out of range")
    store.swap(first, second)
    return "OK"


def _check_flush(args: Args) -> None:
    if len(args) > 2 or (len(args) == 2 and args[1].upper() not in (b"ASYNC", b"SYNC")):
        raise SyntaxFault


def _index(word: bytes, which: str) -> int:
    try:
        return parse_int32(word)
    except CommandError:
        raise CommandError(f"ERR invalid {which} DB index") from None
