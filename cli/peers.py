"""peers and connect: the nodes of the pool."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from .connection import open_node
from .options import Command, output_of
from .output import ExitCode, bytes_text, fail
from .parsing import parse_address

if TYPE_CHECKING:
    from memcloud.sdk import Peer

# The node waits for the other one, and answers when it knows.
CONNECT_TIMEOUT_MS = 20_000
TITLES = (
    "NODE",
    "ADDRESS",
    "STATE",
    ">MEMORY",
    ">USED",
    ">KEYS",
    ">SLOTS",
    ">BACKUPS",
    ">RTT",
    "ID",
)


def register(app: typer.Typer) -> None:
    """Add the commands to memcli."""
    app.command("peers", cls=Command)(peers)
    app.command("connect", cls=Command)(connect)


def peers(context: typer.Context) -> None:
    """List the nodes of the pool.

    The node that is asked comes first; its state is self.

    \b
    Examples:
      memcli peers
      memcli peers --json
    """
    with open_node(context) as node:
        found = node.peers()
    output = output_of(context)
    if output.as_json:
        output.json(peers=[asdict(peer) for peer in found])
    else:
        output.table(TITLES, [row(peer) for peer in found])


def connect(
    context: typer.Context,
    address: Annotated[
        str, typer.Argument(metavar="HOST[:PORT]", help="The other node, by its clients' port.")
    ],
) -> None:
    """Link up with a node that mDNS cannot see.

    \b
    Examples:
      memcli connect 192.168.1.20:8081
      memcli -p 8080 connect 127.0.0.1:8081
    """
    try:
        host, port = parse_address(address)
    except ValueError as error:
        fail(f"the address cannot be {address!r}: {error}", ExitCode.USAGE)
    with open_node(context, timeout_ms_min=CONNECT_TIMEOUT_MS) as node:
        node.connect_peer(host, port)
    output = output_of(context)
    if output.as_json:
        output.json(connected=f"{host}:{port}")
    else:
        output.say(f"Connected to {host}:{port}")


def row(peer: Peer) -> tuple[str, ...]:
    """Return a peer as a line of the table."""
    return (
        peer.name,
        peer.address,
        peer.state,
        bytes_text(peer.memory_total),
        bytes_text(peer.memory_used),
        str(peer.keys),
        str(peer.slots),
        str(peer.backups),
        f"{peer.rtt_us / 1000:.1f} ms" if peer.rtt_us else "-",
        peer.id[:8],
    )
