"""Leaving because a person asked for it: whether the others have room, and what there is to give.

What a node holds must be held elsewhere before it goes, but for copies of which there are enough
without it. A cache that is full makes way, so only members that refuse writes when they are full,
or whose machine is short of memory, have too little room (`Slots.free_bytes`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .effects import Leave
from .errors import NoRoomError
from .events import Kind

if TYPE_CHECKING:
    from memcloud.protocol.table import Member, Table

    from .node import Node

COUNTED_KEYS_MAX = 50_000


class Demand(NamedTuple):
    """What the others have to take over from a node, and what they have room for."""

    slots: int  # those that it holds, as primary or backup
    needed_bytes: int
    free_bytes: int


def demand(node: Node) -> Demand:
    """Return what it takes for this node to leave."""
    clustering = node.clustering
    core = clustering.core
    table = core.table
    held = core.serving.held
    if table is None:
        return Demand(0, 0, 0)
    others = [member for member in table.members if may_take(node, table, member)]
    wanted = min(node.settings.replicas, len(others))
    needed_bytes = 0
    if node.used_bytes:  # else every slot would be looked at for nothing
        given = [
            slot
            for slot in held
            if sum(each in others for each in table.slots[slot].holders) < max(1, wanted)
        ]
        keyspaces = [*node.store.databases, *node.aside.databases]
        if sum(map(len, keyspaces)) > COUNTED_KEYS_MAX:  # to look at all of them takes seconds
            needed_bytes = node.used_bytes * len(given) // max(1, len(held))
        else:
            needed_bytes = sum(map(clustering.slots.size_bytes, given))
    signs = core.state.detector.signs
    free_bytes = sum(signs[member.device].free_bytes for member in others)
    return Demand(len(held), needed_bytes, free_bytes)


def may_take(node: Node, table: Table, member: Member) -> bool:
    """Return whether a member can be given slots when this node leaves."""
    core = node.clustering.core
    detector = core.state.detector
    return (
        member != core.me
        and detector.is_alive(member, node.clock.now_ms())
        and member not in detector.leaving(table)
    )


def leave_politely(node: Node) -> int:
    """Begin to give all slots away; return how many there are. The node stops when it is done.

    Raises:
        NoRoomError: the others cannot take them; the node stays.
    """
    asked = demand(node)
    if asked.needed_bytes > asked.free_bytes:
        error = NoRoomError(asked.needed_bytes, asked.free_bytes)
        node.events.note(Kind.NO_ROOM, str(error).partition(" ")[2])
        raise error
    if not node.clustering.is_leaving:
        node.events.note(Kind.LEAVING, f"{node.settings.name} leaves, and gives its slots away")
    node.clustering.leave()
    return asked.slots


def leave_at_once(node: Node) -> int:
    """Let the node stop now; return how many slots it held. What has no copy is lost."""
    held = len(node.clustering.core.serving.held)
    node.events.note(Kind.LEAVING, f"{node.settings.name} leaves at once")
    node.emit(Leave())
    return held
