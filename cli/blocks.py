"""store, load and free: values that are found by a number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .connection import open_node
from .options import Command, output_of
from .output import CliError, ExitCode, fail, json_value
from .parsing import did_you_mean
from .reading import read_value

if TYPE_CHECKING:
    from memcloud.sdk import MemCloud

ID_MAX = (1 << 63) - 1


def register(app: typer.Typer) -> None:
    """Add the commands to memcli."""
    app.command("store", cls=Command)(store)
    app.command("load", cls=Command)(load)
    app.command("free", cls=Command)(free)


def store(
    context: typer.Context,
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="The data; - reads standard input.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="Read the data from a file.")
    ] = None,
    peer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Store it on this node of the pool.")
    ] = None,
) -> None:
    """Store data and print the id to load it by.

    \b
    Examples:
      memcli store "Hello World"
      memcli store "x" --peer NodeB
      memcli store -f photo.jpg
      tar c src | memcli store -
    """
    content = read_value(data, file, "DATA")
    with open_node(context) as node:
        block = _store(node, content, peer)
    output = output_of(context)
    if output.as_json:
        output.json(id=str(block), bytes=len(content))
    else:
        output.result(f"Stored block ID: {block}", str(block))


def load(
    context: typer.Context,
    block: Annotated[str, typer.Argument(metavar="ID", help="The id that store has printed.")],
) -> None:
    """Print the data of a block.

    Into a pipe or file it goes byte for byte; on a terminal binary data is not shown.

    \b
    Examples:
      memcli load 123456789
      memcli load 123456789 > photo.jpg
    """
    number = _parse_id(block)
    with open_node(context) as node:
        content = node.load(number)
    if content is None:
        fail(f"there is no block {number}")
    output = output_of(context)
    if output.as_json:
        output.json(id=str(number), data=json_value(content))
    else:
        output.data(content)


def free(
    context: typer.Context,
    blocks: Annotated[list[str], typer.Argument(metavar="ID...", help="The blocks to free.")],
) -> None:
    """Give the memory of blocks back.

    The exit code is 1 if there was none of them.

    \b
    Example:
      memcli free 123456789
    """
    numbers = [_parse_id(block) for block in blocks]
    with open_node(context) as node:
        freed = node.free(*numbers)
    output = output_of(context)
    if output.as_json:
        output.json(freed=freed)
    else:
        output.say(f"Freed {freed} block{'' if freed == 1 else 's'}")
    if freed == 0:
        raise typer.Exit(ExitCode.ERROR)


def _store(node: MemCloud, content: bytes, peer: str | None) -> int:
    from memcloud.sdk import NoPeer

    try:
        return node.store(content, peer)
    except NoPeer:
        assert peer is not None
        hint = did_you_mean(peer, [found.name for found in node.peers()])
        fail(f"no peer is named {peer!r}{hint or '; memcli peers lists them'}")


def _parse_id(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= ID_MAX:
        return int(text)
    raise CliError(
        f"{text!r} is not a block id, which is a number such as store prints", ExitCode.USAGE
    )
