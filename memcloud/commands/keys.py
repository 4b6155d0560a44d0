"""Keys whatever they hold: removing, counting, renaming, copying."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import CommandError, NoSuchKeyError, SyntaxFault
from memcloud.resp import Reply
from memcloud.store import Keyspace, Retention

from . import spread
from .numbers import parse_int32
from .table import Args, Family, Route

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("generic")
SUMMED = "request_policy:multi_shard response_policy:agg_sum"


@FAMILY.command(
    "del",
    -2,
    "write",
    keys=(1, -1, 1),
    gather=spread.split_sum,
    complexity="O(N) where N is the number of keys",
    summary="Removes keys.",
    syntax="key [key ...]",
    tips=SUMMED,
    acl="keyspace",
)
@FAMILY.command(
    "unlink",
    -2,
    "write fast",
    keys=(1, -1, 1),
    gather=spread.split_sum,
    since="4.0.0",
    complexity="O(N) where N is the number of keys",
    summary="Removes keys; the same as DEL, since giving memory back never blocks here.",
    syntax="key [key ...]",
    tips=SUMMED,
    acl="keyspace",
)
def delete(context: Context, args: Args) -> Reply:
    """DEL, UNLINK: how many of the keys there were."""
    return sum(context.keys.delete(key) for key in args[1:])


@FAMILY.command(
    "exists",
    -2,
    "readonly fast",
    keys=(1, -1, 1),
    gather=spread.split_sum,
    complexity="O(N) where N is the number of keys",
    summary="Counts how many of the keys are there.",
    syntax="key [key ...]",
    tips=SUMMED,
    acl="keyspace",
)
def exists(context: Context, args: Args) -> Reply:
    """EXISTS: a key that is named twice counts twice."""
    return sum(key in context.keys for key in args[1:])


@FAMILY.command(
    "touch",
    -2,
    "readonly fast",
    keys=(1, -1, 1),
    gather=spread.split_sum,
    since="3.2.1",
    complexity="O(N) where N is the number of keys",
    summary="Notes an access to keys, so that they are evicted later.",
    syntax="key [key ...]",
    tips=SUMMED,
    acl="keyspace",
)
def touch(context: Context, args: Args) -> Reply:
    """TOUCH: how many of the keys there are."""
    return sum(context.keys.touch(key) for key in args[1:])


@FAMILY.command(
    "type",
    2,
    "readonly fast",
    keys=(1, 1, 1),
    summary="Tells the type of the value of a key.",
    syntax="key",
    acl="keyspace",
)
def type_(context: Context, args: Args) -> Reply:
    """TYPE: a status word, ``none`` for a key that is not there."""
    return context.keys.type_name(args[1]) or "none"


@FAMILY.command(
    "rename",
    3,
    "write",
    keys=(1, 2, 1),
    summary="Gives a key another name, replacing what has it.",
    syntax="key newkey",
    acl="keyspace",
)
def rename(context: Context, args: Args) -> Reply:
    """RENAME: the deadline goes with the value."""
    old, new = args[1:]
    if old not in context.keys:
        raise NoSuchKeyError
    if old != new:
        context.keys.rename(old, new)
    return "OK"


@FAMILY.command(
    "renamenx",
    3,
    "write fast",
    keys=(1, 2, 1),
    summary="Gives a key another name if nothing has it.",
    syntax="key newkey",
    acl="keyspace",
)
def renamenx(context: Context, args: Args) -> Reply:
    """RENAMENX: 1, or 0 if the name is taken, be it by the key itself."""
    old, new = args[1:]
    if old not in context.keys:
        raise NoSuchKeyError
    if new in context.keys:
        return 0
    context.keys.rename(old, new)
    return 1


@FAMILY.command(
    "copy",
    -3,
    "write denyoom",
    keys=(1, 2, 1),
    since="6.2.0",
    complexity="O(N) where N is the size of the value",
    summary="Copies the value of a key to another key.",
    syntax="source destination [DB destination-db] [REPLACE]",
    acl="keyspace",
)
def copy(context: Context, args: Args) -> Reply:
    """COPY: 1, or 0 if there is nothing to copy or the destination is in use."""
    source, destination = args[1], args[2]
    target, is_replacing = _copy_options(context, args)
    if target is context.keys and source == destination:
        raise CommandError("ERR source and destination objects are the same")
    value = context.keys.get(source)
    if value is None or (destination in target and not is_replacing):
        return 0
    keys = context.keys
    retention = keys.retention(source) or Retention.BY_POLICY
    target.set(destination, value, keys.deadline_ms(source), retention)
    return 1


@FAMILY.command(
    "randomkey",
    1,
    "readonly",
    route=Route.GATHER,
    gather=spread.randomkey,
    summary="Returns any key, each with the same chance.",
    tips="request_policy:all_shards nondeterministic_output",
    acl="keyspace",
)
def randomkey(context: Context, args: Args) -> Reply:
    """RANDOMKEY: nil if there is none."""
    return context.keys.random_key()


def _copy_options(context: Context, args: Args) -> tuple[Keyspace, bool]:
    """Return the database that COPY leads to, and whether it may replace there."""
    target = context.keys
    is_replacing = False
    options = iter(args[3:])
    for option in options:
        match option.upper():
            case b"REPLACE":
                is_replacing = True
            case b"DB" if (number := next(options, None)) is not None:
                target = _database(context, number)
            case _:
                raise SyntaxFault
    return target, is_replacing


def _database(context: Context, text: bytes) -> Keyspace:
    number = parse_int32(text)
    databases = context.node.store.databases
    if not 0 <= number < len(databases):
        raise CommandError("ERR DB index is out of range")
    return databases[number]
