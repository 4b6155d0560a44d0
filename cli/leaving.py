"""leave, and what node stop has in common with it: a node gives its slots away and stops."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from .connection import Target, find_target, open_node
from .options import Command, options_of, output_of
from .output import CliError, ExitCode, fail, printable
from .ring import call

if TYPE_CHECKING:
    from memcloud.sdk import MemCloud

POLL_S = 0.2
# Without any slot given away for that long, somebody should look why.
STUCK_S = 90.0


def register(app: typer.Typer) -> None:
    """Add the command to memcli."""
    app.command("leave", cls=Command)(leave)


def leave(
    context: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Leave at once; what has no copy elsewhere is lost.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Let the node leave the pool and stop.

    It gives its keys to the others before. If they have no room for them it stays, and the exit
    code is 1.

    \b
    Examples:
      memcli leave
      memcli -p 8080 leave --yes
      memcli leave --force --yes
    """
    target = find_target(options_of(context))
    if not yes:
        _confirm(f"Let the node at {target.shown} leave the pool and stop?")
    output = output_of(context)
    with open_node(context) as node:
        name = str(node.info("memcloud")["node_name"])
        count = ask(node, at_once=force)
        is_shown = not (output.as_json or output.is_quiet)
        wait(lambda: slots_left(node), tell if is_shown else lambda left: None)
    if output.as_json:
        output.json(left=name, slots=count, forced=force)
    else:
        output.say(f"{name} has left and stopped; it had {count} slots")


def ask(node: MemCloud, *, at_once: bool) -> int:
    """Tell a node to leave; return how many slots it holds.

    Raises:
        CliError: the others have no room for what it holds.
    """
    import redis

    try:
        reply = call(node, "PEER LEAVE", *(["FORCE"] if at_once else []))
    except redis.ResponseError as error:
        code, _, text = str(error).partition(" ")
        if code == "NOROOM":
            raise CliError(f"the node stays: {text}; --force stops it all the same") from None
        raise
    assert isinstance(reply, int)
    return reply


def slots_left(node: MemCloud) -> int | None:
    """Return how many slots a node still holds, None if it does not answer any more."""
    import redis

    try:
        facts = node.info("memcloud")
    except redis.RedisError:
        return None
    return int(facts["slots_owned"]) + int(facts["slots_backed_up"])


def wait(left: Callable[[], int | None], show: Callable[[int], None]) -> None:
    """Return when the node is gone; show how many slots it holds whenever that has changed.

    Raises:
        CliError: it gets no further.
    """
    last: int | None = None
    deadline = time.monotonic() + STUCK_S
    while (now := left()) is not None:
        if now != last:
            last, deadline = now, time.monotonic() + STUCK_S
            show(now)
        elif time.monotonic() >= deadline:
            fail(
                f"{now} slots were not taken for {STUCK_S:g} s; memcli ring says who refuses them",
                ExitCode.REFUSED,
            )
        time.sleep(POLL_S)


def tell(left: int) -> None:
    """Say how many slots there are, where people see it and programs do not."""
    print(f"{left} slots are still to be given to the others", file=sys.stderr)


def client_of(port: int, timeout_s: float, password: str | None) -> MemCloud:
    """Return a client of the node on a port of this machine."""
    return Target(port=port).client(timeout_s, password)


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        fail("say --yes, since there is nobody to ask", ExitCode.USAGE)
    if not typer.confirm(printable(question), err=True):
        fail("nothing was done")
