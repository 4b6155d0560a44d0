"""status, stats, ping and info: how the pool and the node are doing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .connection import find_target, open_node
from .options import Command, options_of, output_of
from .output import ExitCode, bytes_text, write
from .peers import TITLES, row
from .ring import read_ring, ring_advice

if TYPE_CHECKING:
    from memcloud.sdk import Peer


def register(app: typer.Typer) -> None:
    """Add the commands to memcli."""
    app.command("status", cls=Command)(status)
    app.command("stats", cls=Command)(stats)
    app.command("ping", cls=Command)(ping)
    app.command("info", cls=Command)(info)


def status(context: typer.Context) -> None:
    """Show the pool at a glance.

    Its nodes, what they lend, what of it is used, what is on its way and what is wrong. The exit
    code is 1 if a node is down, or if the one that is asked may not serve.

    \b
    Examples:
      memcli status
      memcli status --json
    """
    with open_node(context) as node:
        facts = node.info("memcloud")
        memory = node.info("memory")
        device_id = str(node.info("server")["memcloud_device_id"])
        peers = node.peers()
        ring = read_ring(node)
    present = [peer for peer in peers if peer.is_up]
    total, used = (
        sum(peer.memory_total for peer in present),
        sum(peer.memory_used for peer in present),
    )
    is_healthy = bool(ring["has_lease"]) and not any(peer.state == "down" for peer in peers)
    output = output_of(context)
    if output.as_json:
        output.json(
            cluster=str(facts["cluster_name"]),
            device_id=device_id,
            nodes=len(present),
            memory_total=total,
            memory_used=used,
            keys=facts["pool_keys"],
            memory_limit=memory["maxmemory"],
            memory_effective_limit=memory["memcloud_effective_limit"],
            pressure=memory["memcloud_pressure"],
            epoch=ring["epoch"],
            replicas=ring["replicas"],
            serves=bool(ring["has_lease"]),
            slots_left=ring["slots_left"],
            moves=ring["moves"],
            refused=ring["refused"],
            short_of_copies=ring["short_of_copies"],
            suspects=[peer.name for peer in peers if peer.state == "suspect"],
            down=[peer.name for peer in peers if peer.state == "down"],
            healthy=is_healthy,
            peers=[asdict(peer) for peer in peers],
        )
        _end(is_healthy)
        return
    output.say(
        f"{facts['cluster_name']}: {_count(len(present), 'node')}, "
        f"{bytes_text(used)} of {bytes_text(total)} lent RAM used, "
        f"{_count(facts['pool_keys'], 'key')}, "
        f"epoch {ring['epoch']}, {_copies(ring['replicas'])} of each\n"
    )
    output.table(TITLES, [row(peer) for peer in peers])
    output.say(f"\nThis device: {device_id}")
    for peer in peers:
        if advice := _advice(peer):
            output.say(f"\n! {advice}")
    if shrunk := _shrunk(memory):
        output.say(f"\n! {shrunk}")
    for sentence in ring_advice(ring):
        output.say(f"\n! {sentence}")
    _end(is_healthy)


def stats(context: typer.Context) -> None:
    """Show counters of the node and the pool.

    \b
    Examples:
      memcli stats
      memcli -p 8080 stats --json
    """
    with open_node(context) as node:
        facts: dict[str, Any] = node.info("everything")
    figures = {
        "node": str(facts["node_name"]),
        "cluster": str(facts["cluster_name"]),
        "blocks": facts["blocks"] + facts["blocks_held"],
        "peers": facts["peers"],
        "memory_used": facts["used_memory"],
        "memory_total": facts["maxmemory"],
        "pool_memory_used": facts["pool_used_memory"],
        "pool_memory_total": facts["pool_memory"],
        "pool_keys": facts["pool_keys"],
        "hits": facts["keyspace_hits"],
        "misses": facts["keyspace_misses"],
        "commands": facts["total_commands_processed"],
        "commands_per_second": facts["instantaneous_ops_per_sec"],
        "clients": facts["connected_clients"],
        "uptime_seconds": facts["uptime_in_seconds"],
    }
    output = output_of(context)
    if output.as_json:
        output.json(**figures)
        return
    for title, text in _stats_lines(figures):
        output.result(f"{title + ':':<10}{text}", f"{title}: {text}")


def ping(context: typer.Context) -> None:
    """Say how long the node takes to answer.

    \b
    Examples:
      memcli ping
      memcli -p 8080 ping -q && echo up
    """
    with open_node(context) as node:
        node.ping()  # the first one opens the connection
        started = time.perf_counter()
        node.ping()
        took_ms = (time.perf_counter() - started) * 1000
    output = output_of(context)
    where = find_target(options_of(context)).shown
    if output.as_json:
        output.json(address=where, milliseconds=round(took_ms, 3))
    else:
        output.say(f"PONG from {where} in {took_ms:.2f} ms")


def info(
    context: typer.Context,
    section: Annotated[
        str, typer.Argument(metavar="[SECTION]", help="Like memory, or everything.")
    ] = "default",
) -> None:
    """Print the INFO of Redis.

    \b
    Examples:
      memcli info
      memcli info memcloud
    """
    output = output_of(context)
    with open_node(context) as node:
        if output.as_json:
            output.json(info=node.info(section))
            return
        # Under this name redis-py leaves the reply as it is.
        execute: Any = node.execute_command
        text = execute(f"INFO {_word(section)}")
    assert isinstance(text, bytes)
    write(text.replace(b"\r\n", b"\n"))


def _stats_lines(figures: dict[str, Any]) -> list[tuple[str, str]]:
    asked = figures["hits"] + figures["misses"]
    hit_ratio = f", {figures['hits'] / asked:.1%} of {asked} look-ups hit" if asked else ""
    return [
        ("Node", f"{figures['node']} of {figures['cluster']}, up {figures['uptime_seconds']} s"),
        ("Blocks", str(figures["blocks"])),
        ("Peers", str(figures["peers"])),
        ("Memory", _part(figures["memory_used"], figures["memory_total"])),
        ("Pool", _part(figures["pool_memory_used"], figures["pool_memory_total"])),
        ("Keys", f"{figures['pool_keys']} in the pool{hit_ratio}"),
        (
            "Commands",
            f"{figures['commands']}, {figures['commands_per_second']} per second now, "
            f"{_count(figures['clients'], 'client')}",
        ),
    ]


def _part(used: int, total: int) -> str:
    return f"{bytes_text(used)} of {bytes_text(total)} used"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _copies(count: int) -> str:
    return "1 copy" if count == 1 else f"{count} copies"


def _end(is_healthy: bool) -> None:
    """Let scripts know that somebody should look."""
    if not is_healthy:
        raise typer.Exit(ExitCode.ERROR)


def _word(text: str) -> str:
    """Return a section's name so that it stays one argument."""
    return "".join(text.split()) or "default"


def _shrunk(memory: Mapping[str, Any]) -> str | None:
    """Return a sentence about the node's limit if it is lower than what its owner has said."""
    limit, effective = memory["maxmemory"], memory["memcloud_effective_limit"]
    if effective == limit:
        return None
    reason = (
        "its machine is short of memory"
        if memory["memcloud_pressure"] == "pressed"
        else "its machine was short of memory, and it grows again"
    )
    lent = f" of {bytes_text(limit)}" if limit else ""
    return f"this node lends {bytes_text(effective)}{lent} now: {reason}"


def _advice(peer: Peer) -> str | None:
    if peer.state == "suspect":
        return f"{peer.name} has not answered lately; if it stays so, look at {peer.address}"
    if peer.state == "leaving":
        return f"{peer.name} is leaving, and gives its slots to the others"
    if peer.state == "down":
        return f"{peer.name} at {peer.address} is away; the other nodes go on without what it held"
    return None
