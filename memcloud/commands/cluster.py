"""CLUSTER and its kin: the slot table in the words of Redis Cluster, so that smart clients go
straight to the owner of a key.

Every node serves every key, so no client is ever redirected. A member whose client port is out of
reach from here (it listens on its own machine's loopback only) is shown as this node itself,
which forwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from memcloud.cluster.member import WILDCARDS, Member, State
from memcloud.errors import CommandError
from memcloud.resp import Reply, Verbatim
from memcloud.ring import SLOTS, key_slot

from .helping import help_lines
from .numbers import parse_integer
from .table import Args, Family

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("cluster")


@FAMILY.command(
    "cluster",
    -2,
    "",
    since="3.0.0",
    complexity="Depends on subcommand.",
    summary="A container for commands about the slot table and its members.",
)
def cluster(context: Context, args: Args) -> Reply:
    """CLUSTER alone does nothing; its subcommands do."""
    raise AssertionError("a container has no handler of its own")


@FAMILY.command(
    "cluster|info",
    2,
    "stale",
    since="3.0.0",
    tips="nondeterministic_output",
    summary="Tells the state of the cluster as this node sees it.",
)
def info(context: Context, args: Args) -> Reply:
    """CLUSTER INFO: ``field:value`` lines."""
    node = context.node
    membership = node.membership
    suspects = [member for member in membership.members if member.state is State.SUSPECT]
    suspected = sum(membership.table.count(member.id) for member in suspects)
    has_lease = node.clustering.has_lease
    # Without one this node can have no slot served: neither by itself nor by others.
    failed = 0 if has_lease else SLOTS - suspected
    fields = {
        "cluster_state": "ok" if has_lease else "fail",
        "cluster_slots_assigned": SLOTS,
        "cluster_slots_ok": SLOTS - suspected - failed,
        "cluster_slots_pfail": suspected,
        "cluster_slots_fail": failed,
        "cluster_known_nodes": len(membership.members),
        "cluster_size": len(membership.members),
        "cluster_current_epoch": membership.epoch,
        "cluster_my_epoch": membership.epoch,
        "cluster_stats_messages_sent": node.frames_sent,
        "cluster_stats_messages_received": node.frames_received,
        "total_cluster_links_buffer_limit_exceeded": 0,
    }
    text = "".join(f"{name}:{value}\r\n" for name, value in fields.items())
    return Verbatim("txt", text.encode())


@FAMILY.command("cluster|myid", 2, "stale", since="3.0.0", summary="Returns the id of this node.")
def myid(context: Context, args: Args) -> Reply:
    """CLUSTER MYID: 40 hex digits."""
    return context.node.membership.me.id.encode()


@FAMILY.command(
    "cluster|nodes",
    2,
    "stale",
    since="3.0.0",
    complexity="O(N) where N is the total number of Cluster nodes",
    tips="nondeterministic_output",
    summary="Lists the members in the line format of Redis Cluster.",
)
def nodes(context: Context, args: Args) -> Reply:
    """CLUSTER NODES: a line for each member."""
    membership = context.node.membership
    lines = []
    for member in membership.members:
        host, port = _client_address(context, member)
        flags = {State.SELF: "myself,master", State.SUSPECT: "master,fail?"}.get(
            member.state, "master"
        )
        ranges = " ".join(
            str(first) if first == last else f"{first}-{last}"
            for first, last in membership.table.ranges(member.id)
        )
        lines.append(
            f"{member.id} {host}:{port}@{member.identity.peer_port},{member.name} {flags} - "
            f"0 {_heard_unix_ms(context, member)} {membership.epoch} connected {ranges}".rstrip()
        )
    return Verbatim("txt", ("\n".join(lines) + "\n").encode())


@FAMILY.command(
    "cluster|slots",
    2,
    "stale",
    since="3.0.0",
    complexity="O(N) where N is the total number of Cluster nodes",
    tips="nondeterministic_output",
    summary="Lists the ranges of slots and who serves them.",
)
def slots(context: Context, args: Args) -> Reply:
    """CLUSTER SLOTS: first slot, last slot, [host, port, id, notes] for each range."""
    replies: list[Reply] = []
    for first, last, member in _served_ranges(context):
        host, port = _client_address(context, member)
        replies.append([first, last, [host.encode(), port, member.id.encode(), []]])
    return replies


@FAMILY.command(
    "cluster|shards",
    2,
    "stale",
    since="7.0.0",
    complexity="O(N) where N is the total number of cluster nodes",
    tips="nondeterministic_output",
    summary="Lists the members with the slots that each of them serves.",
)
def shards(context: Context, args: Args) -> Reply:
    """CLUSTER SHARDS: a map of slots and nodes for each member that clients can reach."""
    ranges: dict[str, list[Reply]] = {}
    for first, last, member in _served_ranges(context):
        ranges.setdefault(member.id, []).extend((first, last))
    return [
        {b"slots": ranges.get(member.id, []), b"nodes": [_shard_node(context, member)]}
        for member in context.node.membership.members
        if member.state is State.SELF or member.client_address() is not None
    ]


@FAMILY.command(
    "cluster|keyslot",
    3,
    "stale",
    since="3.0.0",
    complexity="O(N) where N is the number of bytes in the key",
    summary="Returns the slot of a key.",
    syntax="key",
)
def keyslot(context: Context, args: Args) -> Reply:
    """CLUSTER KEYSLOT key: 0 to 16383."""
    return key_slot(args[2])


@FAMILY.command(
    "cluster|countkeysinslot",
    3,
    "stale",
    since="3.0.0",
    summary="Counts the keys of a slot on this node.",
    syntax="slot",
)
def countkeysinslot(context: Context, args: Args) -> Reply:
    """CLUSTER COUNTKEYSINSLOT slot."""
    return context.keys.count_in_slot(_slot(args[2]))


@FAMILY.command(
    "cluster|getkeysinslot",
    4,
    "stale",
    since="3.0.0",
    complexity="O(N) where N is the number of requested keys",
    tips="nondeterministic_output",
    summary="Lists keys of a slot on this node.",
    syntax="slot count",
)
def getkeysinslot(context: Context, args: Args) -> Reply:
    """CLUSTER GETKEYSINSLOT slot count."""
    slot, count = _slot(args[2]), parse_integer(args[3])
    if count < 0:
        raise CommandError("ERR Invalid number of keys")
    return context.keys.keys_in_slot(slot, count)


@FAMILY.command(
    "cluster|links",
    2,
    "stale",
    since="7.0.0",
    complexity="O(N) where N is the total number of Cluster nodes",
    tips="nondeterministic_output",
    summary="Lists the connections to the other members.",
)
def links(context: Context, args: Args) -> Reply:
    """CLUSTER LINKS: a map for each connection."""
    node = context.node
    offset_ms = node.clock.unix_offset_ms()
    return [
        {
            b"direction": b"to" if link.is_outgoing else b"from",
            b"node": link.member.encode(),
            b"create-time": link.opened_ms + offset_ms,
            b"events": b"rw" if link.is_outgoing else b"r",
            b"send-buffer-allocated": 0,
            b"send-buffer-used": 0,
        }
        for link in node.mesh.links
        if link.member is not None
    ]


@FAMILY.command("cluster|help", 2, "loading stale", since="5.0.0", summary="Explains CLUSTER.")
def cluster_help(context: Context, args: Args) -> Reply:
    """CLUSTER HELP: one line of text each."""
    return help_lines(
        "CLUSTER",
        [
            ("COUNTKEYSINSLOT <slot>", "Count the keys of a slot on this node."),
            ("GETKEYSINSLOT <slot> <count>", "List keys of a slot on this node."),
            ("INFO", "Show the state of the cluster."),
            ("KEYSLOT <key>", "Show the slot of a key."),
            ("LINKS", "List the connections to the other members."),
            ("MYID", "Show the id of this node."),
            ("NODES", "List the members, a line each."),
            ("SHARDS", "List the members with their slots."),
            ("SLOTS", "List the ranges of slots with their members."),
        ],
    )


@FAMILY.command(
    "readonly",
    1,
    "loading stale fast",
    since="3.0.0",
    acl="connection",
    summary="Is accepted: every node answers reads for every key anyway.",
)
def readonly(context: Context, args: Args) -> Reply:
    """READONLY."""
    return "OK"


@FAMILY.command(
    "readwrite",
    1,
    "loading stale fast",
    since="3.0.0",
    acl="connection",
    summary="Is accepted, as the counterpart of READONLY.",
)
def readwrite(context: Context, args: Args) -> Reply:
    """READWRITE."""
    return "OK"


@FAMILY.command(
    "asking",
    1,
    "fast",
    since="3.0.0",
    acl="connection",
    summary="Is accepted: no node ever answers with ASK.",
)
def asking(context: Context, args: Args) -> Reply:
    """ASKING."""
    return "OK"


def _slot(text: bytes) -> int:
    try:
        slot = parse_integer(text)
    except CommandError:
        slot = -1
    if not 0 <= slot < SLOTS:
        raise CommandError("ERR Invalid or out of range slot")
    return slot


def _client_address(context: Context, member: Member) -> tuple[str, int]:
    """Return where clients of this node reach a member, or this node in its place."""
    me = context.node.membership.me
    if member is me:
        return _own_host(context), me.identity.port
    return member.client_address() or (_own_host(context), me.identity.port)


def _own_host(context: Context) -> str:
    """Return the address at which the client that asks has reached this node."""
    host = context.session.local_address.rpartition(":")[0].strip("[]")
    if host and not context.session.is_unix:
        return host
    bind = context.node.settings.bind
    return "127.0.0.1" if bind in WILDCARDS else bind


def _served_ranges(context: Context) -> Iterator[tuple[int, int, Member]]:
    """Yield the ranges of slots by who serves them to clients of this node, neighbours merged."""
    membership = context.node.membership
    pending: tuple[int, int, Member] | None = None
    for first, last, member_id in membership.table.all_ranges():
        member = membership.find(member_id)
        if member is None or member.client_address() is None:
            member = membership.me
        if pending is not None and pending[2] is member:
            pending = (pending[0], last, member)
            continue
        if pending is not None:
            yield pending
        pending = (first, last, member)
    if pending is not None:
        yield pending


def _shard_node(context: Context, member: Member) -> Reply:
    host, port = _client_address(context, member)
    return {
        b"id": member.id.encode(),
        b"port": port,
        b"ip": host.encode(),
        b"endpoint": host.encode(),
        b"hostname": b"",
        b"role": b"master",
        b"replication-offset": 0,
        b"health": b"online",
    }


def _heard_unix_ms(context: Context, member: Member) -> int:
    if member.state is State.SELF:
        return 0
    return member.last_heard_ms + context.node.clock.unix_offset_ms()
