"""PEER RING, WHERE, EVENTS and LEAVE: who holds what, what is on its way, and getting out.

Each is told by the node that is asked, as it knows things. What moves are under way on another
member is known only as far as the table shows it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from memcloud.cluster.member import State
from memcloud.cluster.names import cluster_id, member_id
from memcloud.errors import CommandError, SyntaxFault
from memcloud.leaving import leave_at_once, leave_politely
from memcloud.resp import Reply
from memcloud.ring import SLOTS, key_slot

from .gather import Part, checked
from .numbers import parse_integer
from .peers import FAMILY, slot_counts
from .spread import AT_EPOCH
from .table import Args, Plan, Route

if TYPE_CHECKING:
    from memcloud.node import Node
    from memcloud.protocol.moves import Attempt
    from memcloud.protocol.table import Member, Table

    from .context import Context

__all__ = ["FAMILY"]


@FAMILY.command(
    "peer|ring",
    2,
    "stale",
    since="0.2.0",
    complexity="O(1), with a large constant: all slots are looked at",
    tips="nondeterministic_output",
    summary="Shows who holds how many slots, and what is on its way.",
)
def ring(context: Context, args: Args) -> Reply:
    """PEER RING: a map."""
    node = context.node
    clustering = node.clustering
    core, watcher = clustering.core, clustering.watcher
    left = clustering.slots_to_move()
    return {
        b"epoch": core.state.epoch,
        b"cluster": cluster_id(core.state.cluster).encode(),
        b"replicas": node.settings.replicas,
        b"has_lease": int(clustering.has_lease),
        b"short_of_copies": clustering.short_of_copies(),
        b"slots_left": left,
        b"slots_at_start": max(left, watcher.slots_at_start),
        b"to_bring_in": len(clustering.slots.waiting),
        b"members": _members(node),
        b"moves": _moves(node),
        b"attempts": _attempts(node),
        b"refused": [
            {b"name": watcher.name_of(member).encode(), b"needs": needed, b"has": free}
            for member, (needed, free) in watcher.refused.items()
        ],
    }


def _where(context: Context, args: Args) -> Plan:
    node, key = context.node, args[2]
    owner = node.membership.owners[key_slot(key)]
    member = node.membership.find(owner)
    if member is None or member.state not in (State.SELF, State.ALIVE):
        place = _place(node, key)
        return {**place, b"state": b"unknown", b"why": b"its primary cannot be heard"}
    (reply,) = checked((yield [Part(owner, [b"_PEER.WHERE", key])]))
    return reply


@FAMILY.command(
    "peer|where",
    3,
    "stale",
    route=Route.PLAN,
    gather=_where,
    since="0.2.0",
    tips="nondeterministic_output",
    summary="Shows who holds a key, and whether it is served now.",
    syntax="key",
)
def where(context: Context, args: Args) -> Reply:
    """PEER WHERE key: a map; ``state`` is served, held or unknown."""
    raise AssertionError("PEER WHERE has a plan")


@FAMILY.command("_peer.where", 2, "readonly", internal=True)
def where_here(context: Context, args: Args) -> Reply:
    """Tell as the primary of a key what only that one knows."""
    return _place(context.node, args[1])


@FAMILY.command(AT_EPOCH, -3, "readonly", internal=True)
def at_epoch(context: Context, args: Args) -> Reply:
    """Run a command on all keys of this node; `Router.state_here` has seen to the epoch."""
    rest = args[2:]
    command = context.node.dispatcher.find(rest, is_authenticated=True, is_peer=True)
    return command.handler(context, rest)


@FAMILY.command(
    "peer|events",
    -2,
    "stale",
    since="0.2.0",
    complexity="O(N) where N is the number of events, of which 1000 are kept",
    tips="nondeterministic_output",
    summary="Lists what happened to the cluster as this node saw it, oldest first.",
    syntax="[after]",
)
def events(context: Context, args: Args) -> Reply:
    """PEER EVENTS [after]: a map for each event with a higher number."""
    if len(args) > 3:
        raise SyntaxFault
    after = parse_integer(args[2]) if len(args) == 3 else 0
    return [
        {
            b"number": event.number,
            b"time_ms": event.unix_ms,
            b"kind": event.kind.value.encode(),
            b"text": event.text.encode(),
        }
        for event in context.node.events.after(after)
    ]


@FAMILY.command(
    "peer|leave",
    -2,
    "admin stale",
    since="0.2.0",
    complexity="O(N) where N is the number of slots with keys",
    summary="Gives the slots of this node to the others and stops it.",
    syntax="[FORCE]",
)
def leave(context: Context, args: Args) -> Reply:
    """PEER LEAVE [FORCE]: how many slots there are to give. The node stops when it has done so."""
    words = [word.upper() for word in args[2:]]
    if words == [b"FORCE"]:
        return leave_at_once(context.node)
    if words:
        raise SyntaxFault
    core = context.node.clustering.core
    if context.node.membership.is_alone and context.node.used_bytes:
        raise CommandError(
            "NOROOM there is no other member to give the keys to; FORCE leaves without them"
        )
    if not core.state.is_member and core.table is not None:
        raise CommandError("TRYAGAIN this node is not in the cluster now")
    return leave_politely(context.node)


def _members(node: Node) -> list[Reply]:
    clustering = node.clustering
    table = clustering.core.table
    if table is None:
        return []
    led, backed_up = slot_counts(node)
    leaving, suspects = clustering.leaving, clustering.watcher.suspects
    targets = _targets(node, table)
    return [
        {
            b"name": clustering.watcher.name_of(member).encode(),
            b"id": member_id(*member).encode(),
            b"state": _state(node, member, leaving, suspects).encode(),
            b"memory": weight,
            b"primaries": led[member_id(*member)],
            b"backups": backed_up[member_id(*member)],
            b"share": led[member_id(*member)] / SLOTS,
            b"target_share": targets[member] / SLOTS,
        }
        for member, weight in zip(table.members, table.weights, strict=True)
    ]


def _state(node: Node, member: Member, leaving: list[Member], suspects: list[Member]) -> str:
    if member in suspects:
        return "suspect"
    if member in leaving:
        return "leaving"
    return "self" if member == node.clustering.me else "alive"


def _targets(node: Node, table: Table) -> Counter[Member]:
    """Return how many slots each member is to lead at last."""
    leaving = node.clustering.leaving
    staying = tuple(
        (member, weight)
        for member, weight in zip(table.members, table.weights, strict=True)
        if member not in leaving
    )
    if not staying:
        return Counter()
    settings = node.clustering.core.state.settings
    wanted = settings.targets(staying, min(settings.replicas, len(staying)))
    return Counter(holders[0] for holders in wanted)


def _moves(node: Node) -> list[Reply]:
    """Return what is to be done by the plan, joined by who gives and who gets."""
    core = node.clustering.core
    if not core.state.is_member:
        return []
    name_of = node.clustering.watcher.name_of
    plan = core.leading.plan()
    counts = Counter[tuple[str, str, str]]()
    for batch in plan.batches:
        key = (batch.kind.name.lower(), name_of(batch.source), name_of(batch.target))
        counts[key] += len(batch.slots)
    return [
        {b"kind": kind.encode(), b"from": one.encode(), b"to": other.encode(), b"slots": count}
        for (kind, one, other), count in counts.items()
    ]


def _attempts(node: Node) -> list[Reply]:
    """Return what this node itself is giving away now, which is one batch at most."""
    attempt = node.clustering.core.moves.attempt
    return [] if attempt is None else [_attempt(node, attempt)]


def _attempt(node: Node, attempt: Attempt) -> Reply:
    return {
        b"kind": attempt.kind.name.lower().encode(),
        b"to": node.clustering.watcher.name_of(attempt.target).encode(),
        b"slots": len(attempt.slots),
        b"step": attempt.step.name.lower().encode(),
        b"chunks": attempt.acked,
    }


def _place(node: Node, key: bytes) -> dict[Reply, Reply]:
    """Return where a key is; whether it is served is known to its primary only."""
    slot = key_slot(key)
    core, name_of = node.clustering.core, node.clustering.watcher.name_of
    place: dict[Reply, Reply] = {b"slot": slot, b"epoch": core.state.epoch}
    table = core.table
    if table is None:
        return {**place, b"state": b"held", b"why": b"this node is in no cluster yet"}
    now = table.slots[slot]
    why = _why_held(node, slot)
    return {
        **place,
        b"primary": name_of(now.primary).encode(),
        b"backups": [name_of(member).encode() for member in now.backups],
        b"state": b"held" if why else b"served",
        b"why": (why or _what_else(node, slot)).encode(),
    }


def _why_held(node: Node, slot: int) -> str:
    """Return why this node, its primary, runs no command on a slot now; empty if it does."""
    core, now_ms = node.clustering.core, node.clock.now_ms()
    copy = core.serving.held.get(slot)
    if copy is None:
        return "the table is about to change"
    if not node.clustering.has_lease:
        return "no quorum of the members answers its primary"
    if core.serving.is_closed:
        return "the cluster dissolves into an older one"
    if copy.is_frozen:
        attempt = core.moves.attempt
        to = node.clustering.watcher.name_of(attempt.target) if attempt else "another member"
        return f"it is being handed to {to}"
    if now_ms < copy.serve_ms:
        return f"the primary before may serve it for {copy.serve_ms - now_ms} ms more"
    return ""


def _what_else(node: Node, slot: int) -> str:
    """Return what is going on with a slot that is served."""
    copy = node.clustering.core.serving.held[slot]
    name_of = node.clustering.watcher.name_of
    copied = [name_of(member) for member, stream in copy.streams.items() if stream.attempt]
    if copied:
        return f"it is being copied to {', '.join(copied)}"
    return "" if node.clustering.slots.is_in(slot) else "its keys are brought in as they are asked"
