"""Strings: setting, getting, and working on parts of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import CommandError, WrongArityError
from memcloud.resp import Reply

from . import spread
from .numbers import parse_integer
from .string_options import (
    DEADLINES,
    GETEX_WORDS,
    SET_WORDS,
    deadline_from,
    parse_options,
    positive_deadline_ms,
)
from .table import Args, Family
from .values import string_at, string_to_change

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("string")
DEADLINE = "EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | "


@FAMILY.command(
    "get",
    2,
    "readonly fast",
    keys=(1, 1, 1),
    summary="Returns the string at a key.",
    syntax="key",
)
def get(context: Context, args: Args) -> Reply:
    """GET: nil if there is none."""
    return string_at(context.keys, args[1])


@FAMILY.command(
    "set",
    -3,
    "write denyoom",
    keys=(1, 1, 1),
    summary="Stores a string at a key, whatever was there.",
    syntax=f"key value [NX | XX] [GET] [{DEADLINE}KEEPTTL] [PINNED | CACHE]",
)
def set_(context: Context, args: Args) -> Reply:
    """SET: OK; nil if NX or XX forbade it; with GET the value that was there."""
    key, value = args[1], args[2]
    keys = context.keys
    if len(args) == 3:
        keys.set(key, value)
        return "OK"
    if len(args) == 5 and (word := args[3].upper()) in DEADLINES:
        # What caches send most; the rest of the options costs twice as much to read.
        keys.set(key, value, positive_deadline_ms(context, word, args[4]))
        return "OK"
    options = parse_options(args[3:], SET_WORDS)
    deadline_ms = deadline_from(context, options)
    before = string_at(keys, key) if options.is_getting else None
    is_there = key in keys
    if (options.is_new_only and is_there) or (options.is_old_only and not is_there):
        return before
    if options.is_keeping_deadline:
        deadline_ms = keys.deadline_ms(key)
    keys.set(key, value, deadline_ms, options.retention)
    return before if options.is_getting else "OK"


@FAMILY.command(
    "setnx",
    3,
    "write denyoom fast",
    keys=(1, 1, 1),
    summary="Stores a string at a key if nothing is there.",
    syntax="key value",
)
def setnx(context: Context, args: Args) -> Reply:
    """SETNX: 1, or 0 if the key is in use."""
    if args[1] in context.keys:
        return 0
    context.keys.set(args[1], args[2])
    return 1


def _set_for(context: Context, args: Args, word: bytes) -> Reply:
    context.keys.set(args[1], args[3], positive_deadline_ms(context, word, args[2]))
    return "OK"


@FAMILY.command(
    "setex",
    4,
    "write denyoom",
    keys=(1, 1, 1),
    since="2.0.0",
    summary="Stores a string that lives for some seconds.",
    syntax="key seconds value",
)
def setex(context: Context, args: Args) -> Reply:
    """SETEX."""
    return _set_for(context, args, b"EX")


@FAMILY.command(
    "psetex",
    4,
    "write denyoom",
    keys=(1, 1, 1),
    since="2.6.0",
    summary="Stores a string that lives for some milliseconds.",
    syntax="key milliseconds value",
)
def psetex(context: Context, args: Args) -> Reply:
    """PSETEX."""
    return _set_for(context, args, b"PX")


@FAMILY.command(
    "getex",
    -2,
    "write fast",
    keys=(1, 1, 1),
    since="6.2.0",
    summary="Returns the string at a key and changes its deadline.",
    syntax=f"key [{DEADLINE}PERSIST]",
)
def getex(context: Context, args: Args) -> Reply:
    """GETEX: nil if there is none. A deadline that has passed removes the key."""
    key, keys = args[1], context.keys
    options = parse_options(args[2:], GETEX_WORDS)
    value = string_at(keys, key)
    if value is None:
        return None
    deadline_ms = deadline_from(context, options)
    if deadline_ms is not None:
        if deadline_ms <= context.node.clock.now_ms():
            keys.delete(key)
        else:
            keys.set_deadline(key, deadline_ms)
    elif options.is_persisting:
        keys.set_deadline(key, None)
    return value


@FAMILY.command(
    "getdel",
    2,
    "write fast",
    keys=(1, 1, 1),
    since="6.2.0",
    summary="Returns the string at a key and removes the key.",
    syntax="key",
)
def getdel(context: Context, args: Args) -> Reply:
    """GETDEL: nil if there is none."""
    value = string_at(context.keys, args[1])
    context.keys.delete(args[1])
    return value


@FAMILY.command(
    "getset",
    3,
    "write denyoom fast",
    keys=(1, 1, 1),
    summary="Stores a string at a key and returns the one that was there.",
    syntax="key value",
)
def getset(context: Context, args: Args) -> Reply:
    """GETSET: nil if there was none."""
    before = string_at(context.keys, args[1])
    context.keys.set(args[1], args[2])
    return before


@FAMILY.command(
    "mget",
    -2,
    "readonly fast",
    keys=(1, -1, 1),
    gather=spread.mget,
    complexity="O(N) where N is the number of keys",
    summary="Returns the strings at several keys.",
    syntax="key [key ...]",
    tips="request_policy:multi_shard",
)
def mget(context: Context, args: Args) -> Reply:
    """MGET: nil for a key without a string."""
    values = map(context.keys.get, args[1:])
    return [value if isinstance(value, bytes) else None for value in values]


@FAMILY.command(
    "mset",
    -3,
    "write denyoom",
    keys=(1, -1, 2),
    gather=spread.mset,
    since="1.0.1",
    complexity="O(N) where N is the number of keys",
    summary="Stores strings at several keys; atomic for keys of one slot.",
    syntax="key value [key value ...]",
    tips="request_policy:multi_shard response_policy:all_succeeded",
)
def mset(context: Context, args: Args) -> Reply:
    """MSET."""
    if len(args) % 2 == 0:
        raise WrongArityError("mset")
    for key, value in zip(args[1::2], args[2::2], strict=True):
        context.keys.set(key, value)
    return "OK"


@FAMILY.command(
    "msetnx",
    -3,
    "write denyoom",
    keys=(1, -1, 2),
    since="1.0.1",
    complexity="O(N) where N is the number of keys",
    summary="Stores strings at several keys if nothing is at any of them.",
    syntax="key value [key value ...]",
    tips="request_policy:multi_shard response_policy:agg_min",
)
def msetnx(context: Context, args: Args) -> Reply:
    """MSETNX: 1, or 0 if one of the keys is in use."""
    if len(args) % 2 == 0:
        raise WrongArityError("msetnx")
    if any(key in context.keys for key in args[1::2]):
        return 0
    mset(context, args)
    return 1


@FAMILY.command(
    "append",
    3,
    "write denyoom fast",
    keys=(1, 1, 1),
    since="2.0.0",
    complexity="O(N) where N is the length of the whole string",
    summary="Adds to the end of the string at a key.",
    syntax="key value",
)
def append(context: Context, args: Args) -> Reply:
    """APPEND: the length of the whole."""
    value = string_to_change(context.keys, args[1]) or b""
    _check_length(context, len(value) + len(args[2]))
    context.keys.replace(args[1], value + args[2])
    return len(value) + len(args[2])


@FAMILY.command(
    "strlen",
    2,
    "readonly fast",
    keys=(1, 1, 1),
    since="2.2.0",
    summary="Tells how long the string at a key is.",
    syntax="key",
)
def strlen(context: Context, args: Args) -> Reply:
    """STRLEN: in bytes, 0 if there is none."""
    return len(string_at(context.keys, args[1]) or b"")


@FAMILY.command(
    "getrange",
    4,
    "readonly",
    keys=(1, 1, 1),
    since="2.4.0",
    complexity="O(N) where N is the length of what is returned",
    summary="Returns a part of the string at a key.",
    syntax="key start end",
)
@FAMILY.command(
    "substr",
    4,
    "readonly",
    keys=(1, 1, 1),
    complexity="O(N) where N is the length of what is returned",
    summary="Returns a part of the string at a key; the old name of GETRANGE.",
    syntax="key start end",
)
def getrange(context: Context, args: Args) -> Reply:
    """GETRANGE, SUBSTR: both ends are included, and negative ones count from the end."""
    start, end = parse_integer(args[2]), parse_integer(args[3])
    value = string_at(context.keys, args[1]) or b""
    if start < 0 and end < 0 and start > end:
        return b""
    length = len(value)
    first = max(0, start + length if start < 0 else start)
    last = max(0, end + length if end < 0 else end)
    return value[first : last + 1]


@FAMILY.command(
    "setrange",
    4,
    "write denyoom",
    keys=(1, 1, 1),
    since="2.2.0",
    complexity="O(N) where N is the length of the whole string",
    summary="Writes over a part of the string at a key, which grows with zeros as needed.",
    syntax="key offset value",
)
def setrange(context: Context, args: Args) -> Reply:
    """SETRANGE: the length of the whole."""
    offset, patch = parse_integer(args[2]), args[3]
    if offset < 0:
        raise CommandError("ERR offset is out of range")
    value = string_to_change(context.keys, args[1]) or b""
    if not patch:
        return len(value)
    _check_length(context, offset + len(patch))
    patched = value[:offset].ljust(offset, b"\0") + patch + value[offset + len(patch) :]
    context.keys.replace(args[1], patched)
    return len(patched)


def _check_length(context: Context, length: int) -> None:
    if length > context.node.string_bytes_max:
        raise CommandError("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
