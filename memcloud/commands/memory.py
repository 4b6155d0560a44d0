"""How much memory keys take: MEMORY."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.effects import ReturnMemory
from memcloud.errors import SyntaxFault
from memcloud.resp import Reply, Verbatim

from .helping import help_lines
from .numbers import parse_integer
from .table import Args, Family

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("server")


@FAMILY.command(
    "memory",
    -2,
    "",
    since="4.0.0",
    complexity="Depends on subcommand.",
    summary="A container for commands about memory.",
)
def memory(context: Context, args: Args) -> Reply:
    """MEMORY alone does nothing; its subcommands do."""
    raise AssertionError("a container has no handler of its own")


@FAMILY.command(
    "memory|usage",
    -3,
    "readonly",
    keys=(2, 2, 1),
    since="4.0.0",
    complexity="O(1)",
    summary="Tells how many bytes a key is accounted for.",
    syntax="key [SAMPLES count]",
)
def usage(context: Context, args: Args) -> Reply:
    """MEMORY USAGE: bytes of key, value and their upkeep; SAMPLES is for types with members."""
    options = iter(args[3:])
    for option in options:
        count = next(options, None)
        if option.upper() != b"SAMPLES" or count is None or parse_integer(count) < 0:
            raise SyntaxFault
    return context.keys.size_bytes(args[2])


@FAMILY.command(
    "memory|doctor",
    2,
    "",
    since="4.0.0",
    summary="Tells in words how full the node is.",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)
def doctor(context: Context, args: Args) -> Reply:
    """MEMORY DOCTOR: a sentence."""
    store = context.node.store
    share = store.used_bytes * 100 // store.limit_bytes if store.limit_bytes else 0
    text = f"{share} % of the memory that this node offers is used.\n"
    if share >= 95:
        text += "It is nearly full: offer more, free keys, or let it evict (maxmemory-policy).\n"
    return Verbatim("txt", text.encode())


@FAMILY.command(
    "memory|stats",
    2,
    "",
    since="4.0.0",
    summary="Tells in numbers what memory this node uses, and for what.",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
)
def stats(context: Context, args: Args) -> Reply:
    """MEMORY STATS: those of Redis' fields that have a meaning here."""
    node, store = context.node, context.node.store
    resident_bytes = node.host.resident_bytes()
    key_count = node.key_count()
    return {
        b"peak.allocated": store.peak_bytes,
        b"total.allocated": store.used_bytes,
        b"keys.count": key_count,
        b"keys.bytes-per-key": store.used_bytes // key_count if key_count else 0,
        b"dataset.bytes": store.used_bytes,
        b"dataset.percentage": 100.0 if store.used_bytes else 0.0,
        b"peak.percentage": store.used_bytes * 100 / max(1, store.peak_bytes),
        b"allocator.resident": resident_bytes,
        b"fragmentation": resident_bytes / max(1, store.used_bytes),
        b"fragmentation.bytes": resident_bytes - store.used_bytes,
    }


@FAMILY.command(
    "memory|purge",
    2,
    "",
    since="4.0.0",
    summary="Gives free memory back to the system, which otherwise takes a moment.",
    tips="request_policy:all_shards response_policy:all_succeeded",
)
def purge(context: Context, args: Args) -> Reply:
    """MEMORY PURGE."""
    context.node.emit(ReturnMemory())
    return "OK"


@FAMILY.command("memory|help", 2, "loading stale", since="4.0.0", summary="Explains MEMORY.")
def memory_help(context: Context, args: Args) -> Reply:
    """MEMORY HELP: one line of text each."""
    return help_lines(
        "MEMORY",
        [
            ("DOCTOR", "Tell in words how full the node is."),
            ("PURGE", "Give free memory back to the system."),
            ("STATS", "Tell in numbers what memory is used for."),
            ("USAGE <key> [SAMPLES <count>]", "Tell how many bytes a key is accounted for."),
        ],
    )
