"""How a value is kept: OBJECT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import CommandError
from memcloud.resp import Reply

from .helping import help_lines
from .numbers import is_integer
from .table import Args, Family

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("generic")
EMBEDDED_BYTES_MAX = 44  # of a string that Redis keeps in one piece with its header
INTEGER_BYTES_MAX = 20
# Redis shares its objects for these numbers and reports this count of references to them.
SHARED_INTEGERS = 10_000
SHARED_REFERENCES = 2147483647
NO_LFU = (
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
    "when switching between policies at runtime LRU and LFU data will take some time to adjust."
)
NO_LRU = (
    "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
    "switching between policies at runtime LRU and LFU data will take some time to adjust."
)


@FAMILY.command(
    "object",
    -2,
    "",
    since="2.2.3",
    complexity="Depends on subcommand.",
    summary="A container for commands about how a value is kept.",
)
def object_(context: Context, args: Args) -> Reply:
    """OBJECT alone does nothing; its subcommands do."""
    raise AssertionError("a container has no handler of its own")


@FAMILY.command(
    "object|encoding",
    3,
    "readonly",
    keys=(2, 2, 1),
    since="2.2.3",
    summary="Tells how Redis would keep the value.",
    syntax="key",
    tips="nondeterministic_output",
    acl="keyspace",
)
def encoding(context: Context, args: Args) -> Reply:
    """OBJECT ENCODING: of a fresh value; Redis also calls one raw that was appended to."""
    value = context.keys.peek(args[2])
    if value is None:
        return None
    assert isinstance(value, bytes)
    if len(value) <= INTEGER_BYTES_MAX and is_integer(value):
        return b"int"
    return b"embstr" if len(value) <= EMBEDDED_BYTES_MAX else b"raw"


@FAMILY.command(
    "object|freq",
    3,
    "readonly",
    keys=(2, 2, 1),
    since="4.0.0",
    summary="Tells how often a key is used, under an LFU policy.",
    syntax="key",
    tips="nondeterministic_output",
    acl="keyspace",
)
def freq(context: Context, args: Args) -> Reply:
    """OBJECT FREQ: the logarithmic counter; an error, as in Redis, unless an LFU policy counts."""
    frequency = context.keys.frequency(args[2])
    if frequency is not None and not context.node.store.policy.is_lfu:
        raise CommandError(NO_LFU)
    return frequency


@FAMILY.command(
    "object|idletime",
    3,
    "readonly",
    keys=(2, 2, 1),
    since="2.2.3",
    summary="Tells for how many seconds a key was not used.",
    syntax="key",
    tips="nondeterministic_output",
    acl="keyspace",
)
def idletime(context: Context, args: Args) -> Reply:
    """OBJECT IDLETIME: whole seconds; an error, as in Redis, while an LFU policy counts."""
    idle_ms = context.keys.idle_ms(args[2])
    if idle_ms is None:
        return None
    if context.node.store.policy.is_lfu:
        raise CommandError(NO_LRU)
    return idle_ms // 1000


@FAMILY.command(
    "object|refcount",
    3,
    "readonly",
    keys=(2, 2, 1),
    since="2.2.3",
    summary="Tells how many references Redis would have to the value.",
    syntax="key",
    tips="nondeterministic_output",
    acl="keyspace",
)
def refcount(context: Context, args: Args) -> Reply:
    """OBJECT REFCOUNT: 1, or what Redis says of the small numbers that it shares."""
    value = context.keys.peek(args[2])
    if value is None:
        return None
    assert isinstance(value, bytes)
    store = context.node.store
    has_own_notes = bool(store.limit_bytes) and (store.policy.is_lru or store.policy.is_lfu)
    is_shared = (
        not has_own_notes
        and len(value) <= INTEGER_BYTES_MAX
        and is_integer(value)
        and 0 <= int(value) < SHARED_INTEGERS
    )
    return SHARED_REFERENCES if is_shared else 1


@FAMILY.command(
    "object|help", 2, "loading stale", since="6.2.0", summary="Explains OBJECT.", acl="keyspace"
)
def object_help(context: Context, args: Args) -> Reply:
    """OBJECT HELP: one line of text each."""
    return help_lines(
        "OBJECT",
        [
            ("ENCODING <key>", "Tell how Redis would keep the value."),
            ("FREQ <key>", "Tell how often the key is used, under an LFU policy."),
            ("IDLETIME <key>", "Tell for how many seconds the key was not used."),
            ("REFCOUNT <key>", "Tell how many references there are to the value."),
        ],
    )
