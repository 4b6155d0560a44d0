"""PEERS and PEER: the members of the cluster, for people and for memcli."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.cluster.member import WILDCARDS, Member, State
from memcloud.errors import CommandError
from memcloud.resp import Reply
from memcloud.settings import PEER_PORT_OFFSET

from .gather import Connect, checked
from .helping import help_lines
from .numbers import parse_integer
from .table import Args, Family, Plan, Route

if TYPE_CHECKING:
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
    """PEERS: a map for each member, those that are down included."""
    membership = context.node.membership
    table = membership.table
    return [
        _describe(context, member, table.count(member.id))
        for member in [*membership.members, *membership.departed]
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
        "PEER", [("CONNECT <host> <port>", "Link up with the node whose clients use that port.")]
    )


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
        b"state": member.state.value.encode(),
        b"memory_total": member.identity.memory_bytes,
        b"memory_used": context.node.used_bytes if is_self else member.used_bytes,
        b"keys": context.node.key_count() if is_self else member.keys,
        b"slots": slots,
        b"rtt_us": member.round_trip_us,
    }
