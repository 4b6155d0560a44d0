"""The command table: each command is one declarative entry beside its handler.

Dispatch, arity errors, COMMAND and its kin, ACL categories, routing through the cluster and the
page of supported commands all read this one table. A family's file declares its entries with
`Family.command`; `memcloud.commands.TABLE` joins the families.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from memcloud.resp import Reply

if TYPE_CHECKING:
    from .context import Context
    from .gather import Step

Args = Sequence[bytes]
Handler = Callable[["Context", Args], Reply]
# Yields the parts that must run now, is sent their replies in the same order, returns the answer.
Plan = Generator[Sequence["Step"], Sequence[Reply], Reply]
Gatherer = Callable[["Context", Args], Plan]


class Route(Enum):
    """Where a command has to run."""

    HERE = "here"  # on the node that the client is connected to
    OWNER = "owner"  # on the owner of its keys, which must all live in one slot
    GATHER = "gather"  # on several owners, its `gather` splitting it and joining the answers
    PLAN = "plan"  # always as its `gather` says


@dataclass(frozen=True, slots=True)
class KeySpec:
    """Which arguments are keys, as in COMMAND INFO: positions count the command name as 0.

    ``last`` below zero counts from the end. ``numkeys`` is the position of an argument that says
    how many keys follow it (EVAL, ZUNION); ``first`` is then the first of those.
    """

    first: int
    last: int
    step: int = 1
    numkeys: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One command, or one subcommand (``name`` is then ``client|id``)."""

    name: str
    arity: int
    flags: tuple[str, ...]
    handler: Handler
    keys: KeySpec | None = None
    route: Route = Route.HERE
    gather: Gatherer | None = None
    group: str = "generic"
    since: str = "1.0.0"
    complexity: str = "O(1)"
    summary: str = ""
    syntax: str = ""
    tips: tuple[str, ...] = ()
    acl: tuple[str, ...] = ()
    internal: bool = False  # between nodes only: clients get 'unknown command'
    subcommands: dict[str, Command] = field(default_factory=dict)
    # What the dispatcher asks for at every call, worked out once.
    is_write: bool = field(init=False)
    needs_memory: bool = field(init=False)
    is_open: bool = field(init=False)  # allowed before AUTH

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_write", "write" in self.flags)
        object.__setattr__(self, "needs_memory", "denyoom" in self.flags)
        object.__setattr__(self, "is_open", "no_auth" in self.flags)

    def has_arity(self, count: int) -> bool:
        """Return whether ``count`` arguments, the name included, are as many as it takes."""
        return count == self.arity if self.arity >= 0 else count >= -self.arity

    def key_positions(self, args: Args) -> range:
        """Return the positions of the keys in ``args``; empty if they cannot be told."""
        spec = self.keys
        if spec is None:
            return range(0)
        if spec.numkeys is not None:
            try:
                count = int(args[spec.numkeys])
            except (IndexError, ValueError):
                return range(0)
            last = spec.first + count * spec.step - 1
            is_there = count > 0 and last < len(args)
            return range(spec.first, last + 1, spec.step) if is_there else range(0)
        last = spec.last if spec.last >= 0 else len(args) + spec.last
        return range(spec.first, min(last, len(args) - 1) + 1, spec.step)


class Family:
    """The commands of one file."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.commands: dict[str, Command] = {}

    def command(
        self,
        name: str,
        arity: int,
        flags: str,
        *,
        keys: tuple[int, int, int] | KeySpec | None = None,
        route: Route | None = None,
        gather: Gatherer | None = None,
        group: str | None = None,
        since: str = "1.0.0",
        complexity: str = "O(1)",
        summary: str = "",
        syntax: str = "",
        tips: str = "",
        acl: str = "",
        internal: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Enter the decorated handler into the table.

        ``name`` is in lower case, ``container|sub`` for a subcommand, whose container must have
        been declared before. ``flags`` and ``acl`` (categories beyond those that follow from the
        flags and the group) are words, as COMMAND INFO lists them. ``syntax`` is the argument
        line in Redis' notation (``key value [NX | XX] [EX seconds]``). A command with keys runs
        at their owner unless ``route`` or ``gather`` says otherwise. ``group`` is for a command
        that documentation puts elsewhere than its family.
        """
        spec = KeySpec(*keys) if isinstance(keys, tuple) else keys
        if route is None:
            route = Route.GATHER if gather else Route.OWNER if spec else Route.HERE

        def enter(handler: Handler) -> Handler:
            entry = Command(
                name=name,
                arity=arity,
                flags=tuple(flags.split()),
                handler=handler,
                keys=spec,
                route=route,
                gather=gather,
                group=group or self.group,
                since=since,
                complexity=complexity,
                summary=summary,
                syntax=syntax,
                tips=tuple(tips.split()),
                acl=tuple(acl.split()),
                internal=internal,
            )
            container, _, sub = name.partition("|")
            if sub:
                self.commands[container].subcommands[sub] = entry
            else:
                self.commands[name] = entry
            return handler

        return enter


class CommandTable:
    """All commands of a node by name."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._commands: dict[str, Command] = {}
        self._by_bytes: dict[bytes, Command] = {}
        for family in families:
            for name, entry in family.commands.items():
                assert name not in self._commands, f"{name} is declared twice"
                self._commands[name] = entry
                # The two spellings that clients send; others go through lower().
                self._by_bytes[name.encode()] = entry
                self._by_bytes[name.upper().encode()] = entry

    def __iter__(self) -> Iterator[Command]:
        """Iterate over the commands that clients may use, without the subcommands."""
        return (entry for entry in self._commands.values() if not entry.internal)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def find(self, name: bytes) -> Command | None:
        """Return the command of that name in any case, internal ones included."""
        entry = self._by_bytes.get(name)
        if entry is None:
            entry = self._by_bytes.get(name.lower())
        return entry
