"""The ACL categories of a command, which follow from its flags and its group as in Redis."""

from __future__ import annotations

from typing import Final

from .table import Command

# In the order in which COMMAND INFO lists them.
_ORDER: Final = (
    *("keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap"),
    *("hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous"),
    *("connection", "transaction", "scripting"),
)
_BY_GROUP: Final = {
    "generic": "keyspace",
    "sorted-set": "sortedset",
    "transactions": "transaction",
    **{
        name: name
        for name in (
            *("string", "bitmap", "list", "hash", "set", "hyperloglog", "geo", "stream"),
            *("pubsub", "connection", "scripting"),
        )
    },
}


def categories(command: Command) -> list[str]:
    """Return the categories of a command, each with its ``@``."""
    flags = command.flags
    found = {*command.acl, "fast" if "fast" in flags else "slow"}
    # A container says nothing of what its subcommands do.
    if not command.subcommands and command.group in _BY_GROUP:
        found.add(_BY_GROUP[command.group])
    if "write" in flags:
        found.add("write")
    if "readonly" in flags and command.group != "scripting":
        found.add("read")
    if "admin" in flags:
        found.update(("admin", "dangerous"))
    found.update(flag for flag in ("pubsub", "blocking") if flag in flags)
    return [f"@{name}" for name in _ORDER if name in found]
