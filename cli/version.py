"""version: what is installed, and what runs."""

from __future__ import annotations

import typer

from memcloud.version import REDIS_VERSION, VERSION

from .options import Command, output_of


def register(app: typer.Typer) -> None:
    """Add the command to memcli."""
    app.command("version", cls=Command)(version)


def show(is_wanted: bool) -> None:
    """Print the version for ``--version`` and end."""
    if is_wanted:
        print(f"memcli {VERSION}")
        raise typer.Exit


def version(context: typer.Context) -> None:
    """Print the version.

    That of memcli, and that of the Redis which nodes behave like.

    \b
    Examples:
      memcli version
      memcli version --json
    """
    output = output_of(context)
    if output.as_json:
        output.json(memcli=VERSION, redis=REDIS_VERSION)
    else:
        output.result(f"memcli {VERSION} (like Redis {REDIS_VERSION})", VERSION)
