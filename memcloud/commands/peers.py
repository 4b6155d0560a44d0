"""PEERS and PEER: the members of the cluster, for people and for memcli."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from typing import TYPE_CHECKING

from memcloud.cluster.member import WILDCARDS, Member, State
from memcloud.cluster.names import member_id
from memcloud.errors import CommandError
from memcloud.resp import Reply
from memcloud.ring import SLOTS
from memcloud.settings import PEER_PORT_OFFSET

from .gather import Connect, checked
from .helping import help_lines
from .numbers import parse_integer
from .table import Args, Family, Plan, Route

if TYPE_CHECKING:
    from memcloud.node import Node

    from .context import Context

FAMILY = Family("cluster")


@FAMILY.command(
    "peers",
    1,
    "loading stale fast",
    since="0.1.0",
    complexity="O(N) where N is the number of members",
    summary="Lists the members of the pool, this node first.",
)
def peers(context: Context, args: Args) -> Reply:
    """PEERS: a map for each member, and for those that are gone and did not come back."""
    membership = context.node.membership
    led, backed_up = slot_counts(context.node)
    present = {member.name for member in membership.members}
    gone = [member for member in membership.departed if member.name not in present]
    leaving = {member_id(*member) for member in context.node.clustering.leaving}
    return [
        {
            **_describe(context, member, led.get(member.id, 0)),
            b"state": _state(member, leaving).encode(),
            b"backups": backed_up.get(member.id, 0),
            b"epoch": membership.epoch,
        }
        for member in [*membership.members, *gone]
    ]


@FAMILY.command(
    "peer",
    -2,
    "",
    since="0.1.0",
    summary="A container for commands about single peers.",
)
def peer(context: Context, args: Args) -> Reply:
    """PEER alone does nothing; its subcommands do."""
    raise AssertionError("a container has no handler of its own")


def _connect(context: Context, args: Args) -> Plan:
    host = args[2].decode("utf-8", "replace")
    port = parse_integer(args[3])
    if not host or not 0 < port <= 65535 - PEER_PORT_OFFSET:
        raise CommandError(f"ERR Invalid node address specified: {host}:{port}")
    (reply,) = checked((yield [Connect(host, port + PEER_PORT_OFFSET)]))
    return reply


@FAMILY.command(
    "peer|connect",
    4,
    "admin",
    route=Route.PLAN,
    gather=_connect,
    since="0.1.0",
    summary="Links up with a node that mDNS cannot see.",
    syntax="host port",
)
def connect(context: Context, args: Args) -> Reply:
    """PEER CONNECT host port: ``port`` is the one that the other node's clients use."""
    raise AssertionError("PEER CONNECT has a plan")


@FAMILY.command("peer|help", 2, "loading stale", since="0.1.0", summary="Explains PEER.")
def peer_help(context: Context, args: Args) -> Reply:
    """PEER HELP: one line of text each."""
    return help_lines(
        "PEER",
        [
            ("CONNECT <host> <port>", "Link up with the node whose clients use that port."),
            ("EVENTS [<number>]", "List what happened to the cluster, after that event."),
            ("LEAVE [FORCE]", "Give the slots of this node away and stop it; at once with FORCE."),
            ("RING", "Show who holds how many slots, and what is on its way."),
            ("WHERE <key>", "Show who holds a key, and whether it is served now."),
        ],
    )


def slot_counts(node: Node) -> tuple[Counter[str], Counter[str]]:
    """Return how many slots each member leads, and of how many it has a backup."""
    table = node.clustering.core.table
    if table is None:
        return Counter({node.membership.me.id: SLOTS}), Counter()
    led, backed_up = Counter[str](), Counter[str]()
    for first, last, now in table.runs():
        led[member_id(*now.primary)] += last - first + 1
        for member in now.backups:
            backed_up[member_id(*member)] += last - first + 1
    return led, backed_up


def _state(member: Member, leaving: Container[str]) -> str:
    is_leaving = member.state is State.ALIVE and member.id in leaving
    return "leaving" if is_leaving else member.state.value


def _describe(context: Context, member: Member, slots: int) -> dict[Reply, Reply]:
    is_self = member.state is State.SELF
    host, peer_port = member.peer_address
    if is_self and host in WILDCARDS:
        host = "127.0.0.1"
    return {
        b"name": member.name.encode(),
        b"id": member.id.encode(),
        b"address": f"{host}:{member.identity.port}".encode(),
        b"peer_address": f"{host}:{peer_port}".encode(),
        b"memory_total": member.identity.memory_bytes,
        b"memory_used": context.node.used_bytes if is_self else member.used_bytes,
        b"keys": context.node.key_count() if is_self else member.keys,
        b"slots": slots,
        b"rtt_us": member.round_trip_us,
    }
