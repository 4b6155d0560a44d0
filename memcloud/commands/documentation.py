"""What COMMAND DOCS says of a command: the texts of the table, and its syntax as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from memcloud.resp import Reply, SetReply

from .key_access import key_specs
from .syntax import Argument, parse_syntax
from .table import Command

# Values by these names are keys, if the command has keys at all.
_KEY_NAMES = frozenset(("key", "key1", "key2", "newkey", "source", "destination"))
# The commands whose increment is not a whole number.
_FLOATING = "float"


def documentation(entry: Command) -> Reply:
    """Return the map of one command."""
    found: dict[Reply, Reply] = {
        b"summary": entry.summary.encode(),
        b"since": entry.since.encode(),
        b"group": entry.group.encode(),
        b"complexity": entry.complexity.encode(),
    }
    arguments = parse_syntax(entry.syntax)
    if arguments:
        keys = count() if entry.keys else None
        specs = len(key_specs(entry))
        found[b"arguments"] = [_described(entry, argument, keys, specs) for argument in arguments]
    if entry.subcommands:
        found[b"subcommands"] = {
            sub.name.encode(): documentation(sub) for sub in entry.subcommands.values()
        }
    return found


def _described(
    entry: Command, argument: Argument, keys: Iterator[int] | None, specs: int
) -> dict[Reply, Reply]:
    kind, key_spec = argument.kind, None
    if keys is not None and kind == "string" and argument.name in _KEY_NAMES:
        kind, key_spec = "key", min(next(keys), specs - 1)
    elif argument.name == "increment" and entry.name.endswith(_FLOATING):
        kind = "double"
    found: dict[Reply, Reply] = {b"name": argument.name.encode(), b"type": kind.encode()}
    if key_spec is not None:
        found[b"key_spec_index"] = key_spec
    if argument.token:
        found[b"token"] = argument.token.encode()
    flags = [
        name
        for name, is_set in (("optional", argument.is_optional), ("multiple", argument.is_multiple))
        if is_set
    ]
    if flags:
        found[b"flags"] = SetReply(flags)
    if argument.arguments:
        found[b"arguments"] = [_described(entry, sub, keys, specs) for sub in argument.arguments]
    return found
