"""Numbers kept as strings: INCR and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import CommandError
from memcloud.resp import Reply

from .long_double import LongDouble, parse_long_double
from .numbers import INT64_MAX, INT64_MIN, parse_integer
from .table import Args, Family
from .values import string_to_change

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("string")


def _add(context: Context, key: bytes, amount: int) -> int:
    keys = context.keys
    value = string_to_change(keys, key)
    total = (0 if value is None else parse_integer(value)) + amount
    if not INT64_MIN <= total <= INT64_MAX:
        raise CommandError("ERR increment or decrement would overflow")
    keys.replace(key, b"%d" % total)
    return total


@FAMILY.command(
    "incr",
    2,
    "write denyoom fast",
    keys=(1, 1, 1),
    summary="Adds one to the number at a key, which begins at 0.",
    syntax="key",
)
def incr(context: Context, args: Args) -> Reply:
    """INCR: the new number."""
    return _add(context, args[1], 1)


@FAMILY.command(
    "decr",
    2,
    "write denyoom fast",
    keys=(1, 1, 1),
    summary="Takes one from the number at a key, which begins at 0.",
    syntax="key",
)
def decr(context: Context, args: Args) -> Reply:
    """DECR: the new number."""
    return _add(context, args[1], -1)


@FAMILY.command(
    "incrby",
    3,
    "write denyoom fast",
    keys=(1, 1, 1),
    summary="Adds to the number at a key, which begins at 0.",
    syntax="key increment",
)
def incrby(context: Context, args: Args) -> Reply:
    """INCRBY: the new number."""
    return _add(context, args[1], parse_integer(args[2]))


@FAMILY.command(
    "decrby",
    3,
    "write denyoom fast",
    keys=(1, 1, 1),
    summary="Takes from the number at a key, which begins at 0.",
    syntax="key decrement",
)
def decrby(context: Context, args: Args) -> Reply:
    """DECRBY: the new number."""
    amount = parse_integer(args[2])
    if amount == INT64_MIN:  # has no counterpart that could be added
        raise CommandError("ERR decrement would overflow")
    return _add(context, args[1], -amount)


@FAMILY.command(
    "incrbyfloat",
    3,
    "write denyoom fast",
    keys=(1, 1, 1),
    since="2.6.0",
    summary="Adds to the number with decimals at a key, which begins at 0.",
    syntax="key increment",
)
def incrbyfloat(context: Context, args: Args) -> Reply:
    """INCRBYFLOAT: the new number as text, with at most 17 decimals."""
    keys = context.keys
    value = string_to_change(keys, args[1])
    current = LongDouble(0, 0) if value is None else parse_long_double(value)
    amount = parse_long_double(args[2])
    if not (current.is_infinite or amount.is_infinite):
        total = current + amount
        if not total.is_infinite:
            keys.replace(args[1], total.text())
            return total.text()
    raise CommandError("ERR increment would produce NaN or Infinity")
