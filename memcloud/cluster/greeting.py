"""Whether two nodes that meet on a link can be members of one cluster."""

from __future__ import annotations

from memcloud.link.messages import PROTOCOL_VERSION, Identity, Refusal, Refused

# Of two serving nodes with one name, one that has only just come up gives way; later both stay.
STARTING_MS = 10_000
# Nodes that came up closer together than this are told apart by their ids: what each of them
# measures of the other's age is off by the time that the message took.
SAME_AGE_MS = 250


def judge(me: Identity, other: Identity) -> Refused | None:
    """Return why this node does not want a link with another one, None if it does."""
    if other.id == me.id:
        return Refused(Refusal.OWN_ADDRESS, "that is this node itself")
    if other.version != PROTOCOL_VERSION:
        return Refused(
            Refusal.OTHER_VERSION,
            f"{me.name} speaks version {PROTOCOL_VERSION} of the link, not {other.version}",
        )
    if other.cluster != me.cluster:
        return Refused(
            Refusal.OTHER_CLUSTER,
            f"{me.name} is in cluster '{me.cluster}', not '{other.cluster}'",
        )
    if other.name == me.name:
        if gives_way(me, other):
            return Refused(Refusal.GIVING_WAY, f"another node of the name '{me.name}' gives way")
        return Refused(Refusal.NAME_TAKEN, name_taken(me))
    if other.device == me.device:
        return Refused(
            Refusal.SAME_DEVICE,
            f"{me.name} and {other.name} are the same device; give one another --state-dir",
        )
    return None


def gives_way(me: Identity, other: Identity) -> bool:
    """Return whether this node is the one of two with one name that has to stop."""
    if other.name != me.name or me.uptime_ms >= STARTING_MS:
        return False
    if me.is_serving != other.is_serving:
        return other.is_serving
    age_ms = me.uptime_ms - other.uptime_ms
    return me.id > other.id if abs(age_ms) < SAME_AGE_MS else age_ms < 0


def name_taken(holder: Identity) -> str:
    """Return the sentence for the owner of the node that has to stop."""
    return (
        f"the name '{holder.name}' is taken by the node on port {holder.port}; "
        "start this one with another --name"
    )
