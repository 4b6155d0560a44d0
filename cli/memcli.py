"""memcli: the commands for people and scripts. This file only registers them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from . import blocks, data, leaving, node, peers, ring, status, version
from .entry import run
from .options import HELP_NAMES, Group

app = typer.Typer(
    cls=Group,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=HELP_NAMES,
    no_args_is_help=True,
)


@app.callback()
def memcli(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=version.show, is_eager=True
    ),
) -> None:
    """Use the pool of MemCloud from the command line.

    \b
    Examples:
      memnode                        start a node (or: memcli node start)
      memcli set greeting hello
      memcli get greeting            on any node of the pool
      memcli store "Hello World"     prints the id to load it by
      memcli status

    Exit codes: 0 ok, 1 error or not found, 2 wrong usage, 3 no node answers,
    4 refused or timed out, 130 interrupted.
    """


for group in (data, blocks, peers, ring, leaving, status, node, version):
    group.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run memcli and exit with its code."""
    sys.exit(run(app, "memcli", arguments))


if __name__ == "__main__":
    main()
