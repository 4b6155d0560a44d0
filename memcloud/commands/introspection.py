"""COMMAND: the command table as clients see it, with hints and completion for redis-cli."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from memcloud.errors import CommandError, SyntaxFault
from memcloud.resp import Reply, SetReply

from .categories import categories
from .documentation import documentation
from .glob import Glob
from .helping import help_lines
from .key_access import key_specs, keys_with_access
from .table import Args, Command, CommandTable, Family

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("server")

OPEN = "loading stale"
OVER_ALL = "O(N) where N is the number of commands to look up"


@FAMILY.command(
    "command",
    -1,
    OPEN,
    since="2.8.13",
    complexity="O(N) where N is the total number of commands",
    summary="Describes all commands.",
    tips="nondeterministic_output_order",
    acl="connection",
)
def command(context: Context, args: Args) -> Reply:
    """COMMAND: `describe` for every command."""
    return [describe(entry) for entry in context.node.commands]


@FAMILY.command(
    "command|count",
    2,
    OPEN,
    since="2.8.13",
    summary="Counts the commands.",
    acl="connection",
)
def count(context: Context, args: Args) -> Reply:
    """COMMAND COUNT: without subcommands."""
    return len(context.node.commands)


@FAMILY.command(
    "command|info",
    -2,
    OPEN,
    since="2.8.13",
    complexity=OVER_ALL,
    summary="Describes some commands, or all.",
    syntax="[command-name [command-name ...]]",
    tips="nondeterministic_output_order",
    acl="connection",
)
def info(context: Context, args: Args) -> Reply:
    """COMMAND INFO [name ...]: null where there is no such command."""
    table = context.node.commands
    if len(args) == 2:
        return [describe(entry) for entry in table]
    entries = [_find(table, name) for name in args[2:]]
    return [None if entry is None else describe(entry) for entry in entries]


@FAMILY.command(
    "command|docs",
    -2,
    OPEN,
    since="7.0.0",
    complexity=OVER_ALL,
    summary="Documents some commands, or all.",
    syntax="[command-name [command-name ...]]",
    tips="nondeterministic_output_order",
    acl="connection",
)
def docs(context: Context, args: Args) -> Reply:
    """COMMAND DOCS [name ...]: a map; unknown names are left out."""
    table = context.node.commands
    found = table if len(args) == 2 else [_find(table, name) for name in args[2:]]
    return {entry.name.encode(): documentation(entry) for entry in found if entry is not None}


@FAMILY.command(
    "command|list",
    -2,
    OPEN,
    since="7.0.0",
    complexity="O(N) where N is the total number of commands",
    summary="Lists the names of commands.",
    syntax="[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
    tips="nondeterministic_output_order",
    acl="connection",
)
def list_(context: Context, args: Args) -> Reply:
    """COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]."""
    if len(args) not in (2, 5) or (len(args) == 5 and args[2].upper() != b"FILTERBY"):
        raise SyntaxFault
    entries = _all(context.node.commands)
    if len(args) == 5:
        entries = filter(_filter(args[3].upper(), args[4]), entries)
    return [entry.name.encode() for entry in entries]


@FAMILY.command(
    "command|getkeys",
    -4,
    OPEN,
    since="2.8.13",
    complexity="O(N) where N is the number of arguments to the command",
    summary="Tells which arguments of a command line are keys.",
    syntax="command [arg ...]",
    acl="connection",
)
def getkeys(context: Context, args: Args) -> Reply:
    """COMMAND GETKEYS command-line."""
    return [key for key, _ in _keys(context, args[2:])]


@FAMILY.command(
    "command|getkeysandflags",
    -4,
    OPEN,
    since="7.0.0",
    complexity="O(N) where N is the number of arguments to the command",
    summary="Tells which arguments of a command line are keys, and what is done to them.",
    syntax="command [arg ...]",
    acl="connection",
)
def getkeysandflags(context: Context, args: Args) -> Reply:
    """COMMAND GETKEYSANDFLAGS command-line."""
    return [[key, SetReply(access)] for key, access in _keys(context, args[2:])]


@FAMILY.command(
    "command|help", 2, OPEN, since="5.0.0", summary="Tells of COMMAND.", acl="connection"
)
def help_(context: Context, args: Args) -> Reply:
    """COMMAND HELP."""
    return help_lines(
        "COMMAND",
        (
            ("(no subcommand)", "Return a description of every command."),
            ("COUNT", "Return how many commands there are."),
            ("DOCS [<name> ...]", "Return the documentation of some commands, or of all."),
            ("GETKEYS <command line>", "Return the keys of a command line."),
            ("GETKEYSANDFLAGS <command line>", "Return the keys, and what is done to them."),
            ("INFO [<name> ...]", "Return a description of some commands, or of all."),
            ("LIST [FILTERBY (MODULE|ACLCAT|PATTERN) <which>]", "Return names of commands."),
        ),
    )


def describe(entry: Command) -> Reply:
    """Return the ten fields of COMMAND INFO."""
    spec = entry.keys
    is_movable = spec is None or spec.numkeys is not None
    positions = (0, 0, 0) if spec is None or is_movable else (spec.first, spec.last, spec.step)
    return [
        entry.name.encode(),
        entry.arity,
        SetReply(entry.flags),
        *positions,
        SetReply(categories(entry)),
        SetReply([tip.encode() for tip in entry.tips]),
        SetReply(key_specs(entry)),
        SetReply([describe(sub) for sub in entry.subcommands.values()]),
    ]


def _find(table: CommandTable, name: bytes) -> Command | None:
    container, _, sub = name.partition(b"|")
    entry = table.find(container)
    if entry is None or entry.internal:
        return None
    return entry.subcommands.get(sub.lower().decode("latin-1")) if sub else entry


def _all(table: CommandTable) -> Iterator[Command]:
    for entry in table:
        yield entry
        yield from entry.subcommands.values()


def _filter(kind: bytes, word: bytes) -> Callable[[Command], bool]:
    if kind == b"MODULE":
        return lambda entry: False  # there are none
    if kind == b"ACLCAT":
        category = "@" + word.lower().decode("latin-1")
        return lambda entry: category in categories(entry)
    if kind == b"PATTERN":
        glob = Glob(word, ignore_case=True)
        return lambda entry: glob.matches(entry.name.encode())
    raise SyntaxFault


def _keys(context: Context, args: Args) -> list[tuple[bytes, list[str]]]:
    table = context.node.commands
    entry = _find(table, args[0])
    if entry is not None and entry.subcommands and len(args) > 1:
        entry = _find(table, args[0] + b"|" + args[1])
    if entry is None:
        raise CommandError("ERR Invalid command specified")
    if entry.keys is None:
        raise CommandError("ERR The command has no key arguments")
    if not entry.has_arity(len(args)):
        raise CommandError("ERR Invalid number of arguments specified for command")
    keys = keys_with_access(entry, args)
    if not keys and "no_mandatory_keys" not in entry.flags:
        raise CommandError("ERR Invalid arguments specified for command")
    return keys
