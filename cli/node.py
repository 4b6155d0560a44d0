"""node start, stop, status and logs: nodes in the background of this machine."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from typer.main import get_command

from memcloud.settings import DEFAULT_PORT, Settings

from . import background, leaving, paths
from .memnode import app as memnode_app
from .memnode import given_settings
from .options import Command, Group, StartCommand, options_of, output_of
from .output import ExitCode, fail, write
from .parsing import parse_count
from .settings import read_settings

app = typer.Typer(cls=Group, rich_markup_mode=None, no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    """Add the group to memcli."""
    parent.add_typer(app, name="node")


@app.callback()
def node() -> None:
    """Run nodes in the background.

    \b
    Examples:
      memcli node start
      memcli node start --port 6381 --memory 4g
      memcli node stop -p 6381
    """


@app.command(
    cls=StartCommand,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    options_metavar="[OPTIONS] [OPTIONS OF MEMNODE]",
)
def start(context: typer.Context) -> None:
    """Start a node and wait until it answers.

    It runs in the background and takes the options of memnode; memnode --help lists them.

    \b
    Examples:
      memcli node start
      memcli node start --name NodeA --port 8080 --memory 4g
    """
    arguments = [*_inherited(context), *context.args]
    settings = _settings_of(arguments)
    started = background.start(settings, arguments)
    output = output_of(context)
    if output.as_json:
        output.json(name=settings.name, port=settings.port, pid=started.pid)
    else:
        output.say(
            f"Node {settings.name} answers on port {settings.port} (process {started.pid}); "
            f"stop it with: memcli node stop{_port_option(settings.port)}"
        )


@app.command(cls=Command)
def stop(
    context: typer.Context,
    force: Annotated[
        bool, typer.Option("--force", help="Stop it at once; what has no copy elsewhere is lost.")
    ] = False,
) -> None:
    """Stop a node that node start has started.

    It gives its keys to the other nodes before. If they have no room for them it goes on, and the
    exit code is 1. Returns when it is gone.

    \b
    Examples:
      memcli node stop
      memcli node stop -p 6381
      memcli node stop --force
    """
    port = _port(context)
    started, _ = background.find_running(port)
    output = output_of(context)
    is_shown = not (output.as_json or output.is_quiet)
    if _is_asked_to_leave(port, at_once=force, is_shown=is_shown):
        background.wait_end(port, started)
    else:
        background.stop(port, at_once=force)
    if output.as_json:
        output.json(port=port, pid=started.pid)
    else:
        output.say(f"Stopped the node on port {port} (process {started.pid})")


@app.command(cls=Command)
def status(context: typer.Context) -> None:
    """Say whether a node runs on a port.

    The exit code is 3 if none answers.

    \b
    Examples:
      memcli node status
      memcli node status -p 6381
    """
    port = _port(context)
    started = background.maybe_started(port)
    password = os.environ.get("MEMCLOUD_REQUIREPASS", "")
    answering = background.maybe_process_id(Settings("", port=port, requirepass=password))
    pid = started.pid if started is not None else answering or None
    output = output_of(context)
    if output.as_json:
        output.json(
            port=port,
            answers=answering is not None,
            pid=pid,
            in_background=started is not None,
            log=str(paths.log_path(port)) if started is not None else None,
        )
    else:
        output.say(_status_line(port, pid, answers=answering is not None, started=started))
    if answering is None:
        raise typer.Exit(ExitCode.UNREACHABLE)


@app.command(cls=Command)
def logs(
    context: typer.Context,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")
    ] = False,
    lines: Annotated[
        str, typer.Option("--lines", "-n", metavar="COUNT", help="How many lines (default: 50).")
    ] = "50",
) -> None:
    """Print the log of a node.

    Only nodes that node start has started have one.

    \b
    Examples:
      memcli node logs
      memcli node logs -p 6381 -f
    """
    try:
        count = parse_count(lines)
    except ValueError as error:
        fail(f"--lines cannot be {lines!r}: {error}", ExitCode.USAGE)
    port = _port(context)
    log = paths.log_path(port)
    if not log.exists():
        fail(f"there is no log for port {port}; memcli node start writes one")
    data = log.read_bytes()
    write(b"".join(data.splitlines(keepends=True)[-count:]))
    if follow:
        for more in background.follow(log, len(data)):
            write(more)


def _settings_of(arguments: list[str]) -> Settings:
    """Return the settings that memnode will have with these arguments."""
    command: Any = get_command(memnode_app)
    with command.make_context("memnode", list(arguments)) as context:
        return read_settings(given_settings(context), os.environ)


def _inherited(context: typer.Context) -> list[str]:
    """Return what stands before the command and memnode knows as well, as its arguments."""
    options = options_of(context)
    if options.host is not None or options.url is not None:
        fail("node start starts a node on this machine: --bind is what memnode knows")
    port = [] if options.port is None else ["--port", str(options.port)]
    return [*port, *([] if options.socket is None else ["--socket", options.socket or "none"])]


def _is_asked_to_leave(port: int, *, at_once: bool, is_shown: bool) -> bool:
    """Have a node give its slots away, if it has somebody to give them to and can be asked."""
    import redis

    password = os.environ.get("MEMCLOUD_REQUIREPASS")
    try:
        with leaving.client_of(port, background.ANSWER_TIMEOUT_S, password) as node:
            if not at_once and node.info("memcloud").get("peers", 0) == 0:
                return False
            leaving.ask(node, at_once=at_once)
            show = leaving.tell if is_shown else lambda left: None
            leaving.wait(lambda: leaving.slots_left(node), show)
    except redis.RedisError:  # it does not answer, or not to us: a signal does it
        return False
    return True


def _port(context: typer.Context) -> int:
    """Return the port of the node that is meant, which must be on this machine."""
    options = options_of(context)
    if options.host is not None or options.url is not None or options.socket is not None:
        fail("nodes in the background are told apart by their port: -p PORT", ExitCode.USAGE)
    return options.port or DEFAULT_PORT


def _port_option(port: int) -> str:
    return "" if port == DEFAULT_PORT else f" -p {port}"


def _status_line(
    port: int, pid: int | None, *, answers: bool, started: background.Started | None
) -> str:
    if pid is None and not answers:
        return f"No node runs on port {port}; start one with: memcli node start --port {port}"
    process = f" (process {pid})" if pid is not None else ""
    state = "answers" if answers else "runs but does not answer"
    origin = (
        f"its log is {paths.log_path(port)}"
        if started is not None
        else "it was not started by memcli node start"
    )
    return f"The node on port {port}{process} {state}; {origin}"
