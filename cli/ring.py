"""ring, members, where and events: who holds what, and what has happened."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .connection import open_node
from .options import Command, output_of
from .output import Output, bytes_text, printable
from .peers import TITLES as PEER_TITLES
from .peers import row
from .replies import place_fields, ring_fields, rows
from .sizes import duration_text

if TYPE_CHECKING:
    from memcloud.sdk import MemCloud

TITLES = ("NODE", "STATE", ">MEMORY", ">SHARE", ">TARGET", ">PRIMARIES", ">BACKUPS")
MOVE_TITLES = ("WHAT", "FROM", "TO", ">SLOTS")
POLL_S = 0.5


def register(app: typer.Typer) -> None:
    """Add the commands to memcli."""
    app.command("ring", cls=Command)(ring)
    app.command("members", cls=Command)(members)
    app.command("where", cls=Command)(where)
    app.command("events", cls=Command)(events)


def ring(context: typer.Context) -> None:
    """Show how the keys are spread.

    What each node holds and is to hold, and what is on its way.

    \b
    Examples:
      memcli ring
      memcli ring --json
    """
    with open_node(context) as node:
        found = read_ring(node)
    output = output_of(context)
    if output.as_json:
        output.json(**found)
        return
    replicas = found["replicas"]
    output.say(
        f"epoch {found['epoch']} of cluster {found['cluster']}, "
        f"{replicas} {'copy' if replicas == 1 else 'copies'} of each key\n"
    )
    output.table(TITLES, [_ring_row(member) for member in found["members"]])
    if found["moves"]:
        output.say("")
        output.table(MOVE_TITLES, [_move_row(move) for move in found["moves"]])
    for sentence in ring_advice(found):
        output.say(f"\n! {sentence}")


def members(context: typer.Context) -> None:
    """List the nodes with all that is known about them.

    The same as peers, with what each of them holds and is to hold.

    \b
    Examples:
      memcli members
      memcli members --json
    """
    with open_node(context) as node:
        found = node.peers()
        held = {member["id"]: member for member in read_ring(node)["members"]}
    output = output_of(context)
    if output.as_json:
        output.json(
            members=[
                asdict(peer)
                | {name: held.get(peer.id, {}).get(name, 0) for name in ("share", "target_share")}
                for peer in found
            ]
        )
        return
    titles = (*PEER_TITLES[:-1], ">SHARE", ">TARGET", "PEER ADDRESS", "ID")
    lines = []
    for peer in found:
        *cells, identifier = row(peer)
        shares = _shares(held[peer.id]) if peer.id in held else ("-", "-")
        lines.append((*cells, *shares, peer.peer_address, identifier))
    output.table(titles, lines)


def where(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The name of a value.")],
) -> None:
    """Say which nodes hold a key.

    Whether or not there is such a key; if there is, what it takes there and how long it stays; and
    why, if commands for it have to wait now.

    \b
    Examples:
      memcli where user:1
      memcli where user:1 --json
    """
    with open_node(context) as node:
        place = place_fields(call(node, "PEER WHERE", os.fsencode(key)))
        place |= _entry(node, os.fsencode(key)) if place["state"] == "served" else {}
    output = output_of(context)
    if output.as_json:
        output.json(key=key, **place)
        return
    copies = ", ".join(place["backups"]) or "none"
    line = f"slot {place['slot']}: on {place.get('primary', '-')}, copies: {copies}"
    if "exists" in place:
        line += f", {_entry_text(place)}"
    state = place["state"] + (f": {place['why']}" if place["why"] else "")
    output.result(printable(f"{line} (epoch {place['epoch']}, {state})"), place.get("primary", ""))


def events(
    context: typer.Context,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what happens from now on.")
    ] = False,
) -> None:
    """List what happened to the cluster.

    As the node that is asked saw it; it keeps the last 1000 events.

    \b
    Examples:
      memcli events
      memcli events -f
      memcli events -f --json       a line of JSON for each event
    """
    output = output_of(context)
    with open_node(context) as node:
        if output.as_json and not follow:
            output.json(events=_events_after(node, 0))
            return
        for event in _follow(node) if follow else _events_after(node, 0):
            _show(output, event)


def read_ring(node: MemCloud) -> dict[str, Any]:
    """Return what a node says of the ring."""
    return ring_fields(call(node, "PEER RING"))


def call(node: MemCloud, *words: Any) -> object:
    """Run a command that redis-py does not know."""
    execute: Any = node.execute_command
    return execute(*words)


def ring_advice(found: dict[str, Any]) -> list[str]:
    """Return sentences about what is under way in the ring, and what is in its way."""
    said = []
    if not found["has_lease"]:
        said.append("this node serves nothing: no quorum of the members answers it")
    left, begun = found["slots_left"], found["slots_at_start"]
    if left:
        said.append(f"{left} of {begun} slots are still to be copied, moved or dropped")
    for attempt in found["attempts"]:
        verb = "moves" if attempt["kind"] == "move" else "copies"
        said.append(f"this node {verb} {attempt['slots']} slots to {attempt['to']} now")
    for refused in found["refused"]:
        needs, has = bytes_text(refused["needs"]), bytes_text(refused["has"])
        said.append(f"{refused['name']} refuses slots: they need {needs}, it has room for {has}")
    if found["short_of_copies"]:
        said.append(f"{found['short_of_copies']} slots of this node have too few copies")
    return said


def _entry(node: MemCloud, key: bytes) -> dict[str, Any]:
    """Return what a node says of a key itself; nothing if its slot cannot be asked any more."""
    import redis

    try:
        size_bytes = call(node, "MEMORY USAGE", key)
        ttl_ms = call(node, "PTTL", key)
    except redis.ResponseError:
        return {}
    assert isinstance(ttl_ms, int)
    return {
        "exists": size_bytes is not None,
        "size_bytes": size_bytes,
        "ttl_ms": ttl_ms if ttl_ms >= 0 else None,
    }


def _entry_text(place: dict[str, Any]) -> str:
    if not place["exists"]:
        return "no such key"
    size = bytes_text(place["size_bytes"])
    ttl_ms = place["ttl_ms"]
    return size if ttl_ms is None else f"{size}, expires in {duration_text(ttl_ms)}"


def _ring_row(member: dict[str, Any]) -> tuple[str, ...]:
    return (
        member["name"],
        member["state"],
        bytes_text(member["memory"]),
        *_shares(member),
        str(member["primaries"]),
        str(member["backups"]),
    )


def _move_row(move: dict[str, Any]) -> tuple[str, ...]:
    return move["kind"], move["from"], move["to"], str(move["slots"])


def _shares(member: dict[str, Any]) -> tuple[str, str]:
    return f"{member['share']:.1%}", f"{member['target_share']:.1%}"


def _events_after(node: MemCloud, number: int) -> list[dict[str, Any]]:
    return rows(call(node, "PEER EVENTS", number))


def _follow(node: MemCloud) -> Iterator[dict[str, Any]]:
    """Yield all events, and then those to come, for ever."""
    number = 0
    while True:
        for event in _events_after(node, number):
            number = event["number"]
            yield event
        time.sleep(POLL_S)


def _show(output: Output, event: dict[str, Any]) -> None:
    if output.as_json:
        output.json(**event)
        return
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event["time_ms"] / 1000))
    output.lines([f"{when}  {event['kind']:<14}  {event['text']}".encode()])
