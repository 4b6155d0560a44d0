"""Looking through all keys: at once (KEYS) or in steps (SCAN)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memcloud.errors import CommandError, SyntaxFault
from memcloud.resp import Reply

from . import spread
from .glob import Glob
from .numbers import parse_integer
from .table import Args, Family, Route

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("generic")
COUNT_DEFAULT = 10
# What strtoul takes, which is how Redis reads a cursor; it makes 0 of nothing.
CURSOR = re.compile(rb"[+-]?[0-9]+|")
CURSOR_MAX = (1 << 64) - 1


@dataclass(slots=True)
class ScanOptions:
    """What SCAN was asked for."""

    count: int = COUNT_DEFAULT
    pattern: Glob | None = None
    type_name: str | None = None


@FAMILY.command(
    "keys",
    2,
    "readonly",
    route=Route.GATHER,
    gather=spread.keys,
    complexity="O(N) where N is the number of keys in the database",
    summary="Lists the keys of all nodes that fit a pattern.",
    syntax="pattern",
    tips="request_policy:all_shards nondeterministic_output_order",
    acl="keyspace dangerous",
)
def keys(context: Context, args: Args) -> Reply:
    """KEYS: those of this node."""
    pattern = Glob(args[1])
    database = context.keys
    return [key for key in database.keys() if pattern.matches(key)]  # noqa: SIM118 - no dict


@FAMILY.command(
    "scan",
    -2,
    "readonly",
    route=Route.GATHER,
    gather=spread.scan,
    since="2.8.0",
    complexity="O(1) for a step, O(N) for all of them; N is the number of keys",
    summary="Lists the keys of all nodes in steps.",
    syntax="cursor [MATCH pattern] [COUNT count] [TYPE type]",
    tips="nondeterministic_output request_policy:special",
    acl="keyspace",
)
def scan(context: Context, args: Args) -> Reply:
    """SCAN: the next cursor, 0 at the end, and some keys of this node."""
    cursor = _parse_cursor(args[1])
    options = _parse_options(args[2:])
    next_cursor, found = context.keys.scan(cursor, options.count)
    if options.pattern is not None:
        found = [key for key in found if options.pattern.matches(key)]
    if options.type_name is not None:
        found = [key for key in found if context.keys.type_name(key) == options.type_name]
    return [b"%d" % next_cursor, found]


def _parse_cursor(text: bytes) -> int:
    if CURSOR.fullmatch(text):
        cursor = int(text or b"0")
        if abs(cursor) <= CURSOR_MAX:
            return cursor & CURSOR_MAX
    raise CommandError("ERR invalid cursor")


def _parse_options(words: Args) -> ScanOptions:
    options = ScanOptions()
    given = iter(words)
    for word in given:
        value = next(given, None)
        match word.upper(), value:
            case b"COUNT", bytes():
                options.count = parse_integer(value)
                if options.count < 1:
                    raise SyntaxFault
            case b"MATCH", bytes():
                options.pattern = Glob(value)
            case b"TYPE", bytes():
                options.type_name = value.decode("latin-1").lower()
            case _:
                raise SyntaxFault
    return options
