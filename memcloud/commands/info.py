"""INFO: the state of the node that the client is connected to, as text in sections."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from memcloud.resp import Reply, Verbatim

from . import info_counters, info_node
from .table import Args, Family

if TYPE_CHECKING:
    from memcloud.node import Node

    from .context import Context

FAMILY = Family("server")

Fields = Iterable[tuple[str, object]]

# In the order in which they are told.
SECTIONS: Final[dict[str, Callable[[Node], Fields]]] = {
    "server": info_node.server,
    "clients": info_node.clients,
    "memory": info_node.memory,
    "persistence": info_counters.persistence,
    "stats": info_counters.stats,
    "replication": info_node.replication,
    "cpu": info_node.cpu,
    "modules": info_counters.modules,
    "commandstats": info_counters.commandstats,
    "errorstats": info_counters.errorstats,
    "latencystats": info_counters.latencystats,
    "cluster": info_node.cluster,
    "memcloud": info_node.memcloud,
    "keyspace": info_node.keyspace,
}
TITLES: Final = {"cpu": "CPU"}
ONLY_ON_DEMAND: Final = ("commandstats", "latencystats")
EVERYTHING: Final = frozenset(SECTIONS)
SETS: Final = {
    "default": EVERYTHING - frozenset(ONLY_ON_DEMAND),
    "all": EVERYTHING - {"modules"},
    "everything": EVERYTHING,
}


@FAMILY.command(
    "info",
    -1,
    "loading stale",
    summary="Tells the state and the counters of this node.",
    syntax="[section [section ...]]",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    acl="dangerous",
)
def info(context: Context, args: Args) -> Reply:
    """INFO [section ...]: lines ``field:value`` by section; unknown sections are left out."""
    wanted: set[str] = set()
    for word in args[1:] or (b"default",):
        name = word.lower().decode("latin-1")
        wanted |= SETS.get(name, {name})
    text = "\r\n".join(
        _render(name, fields(context.node)) for name, fields in SECTIONS.items() if name in wanted
    )
    return Verbatim("txt", text.encode("utf-8", "surrogateescape"))


def _render(name: str, fields: Fields) -> str:
    lines = [f"# {TITLES.get(name, name.capitalize())}"]
    lines += [f"{field}:{value}" for field, value in fields]
    return "".join(f"{line}\r\n" for line in lines)
