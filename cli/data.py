"""set, get, del and keys: values under names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from .connection import open_node
from .options import Command, output_of
from .output import ExitCode, fail, json_value
from .reading import read_value
from .sizes import parse_duration

# How many keys one step of a SCAN looks at.
SCAN_COUNT = 1000

Key = Annotated[str, typer.Argument(metavar="KEY", help="The name of the value.")]


def register(app: typer.Typer) -> None:
    """Add the commands to memcli."""
    app.command("set", cls=Command)(set_value)
    app.command("get", cls=Command)(get_value)
    app.command("del", cls=Command)(delete)
    app.command("keys", cls=Command)(keys)


def set_value(
    context: typer.Context,
    key: Key,
    value: Annotated[
        str | None, typer.Argument(metavar="[VALUE]", help="The value; - reads standard input.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", metavar="FILE", help="Read the value from a file."),
    ] = None,
    ttl: Annotated[
        str | None, typer.Option(metavar="TIME", help="Forget it after a time, like 90s or 2h.")
    ] = None,
) -> None:
    """Set a key to a value.

    \b
    Examples:
      memcli set app-config '{"theme": "dark"}'
      memcli set photo -f photo.jpg --ttl 2h
      tar c src | memcli set sources -
    """
    lifetime_ms = None if ttl is None else _parse_ttl(ttl)
    data = read_value(value, file, "VALUE")
    with open_node(context) as node:
        node.set(os.fsencode(key), data, px=lifetime_ms)
    output = output_of(context)
    if output.as_json:
        output.json(key=key, bytes=len(data))
    else:
        output.say("OK")


def get_value(context: typer.Context, key: Key) -> None:
    """Print the value of a key.

    Into a pipe or file it goes byte for byte; on a terminal binary data is not shown.

    \b
    Examples:
      memcli get app-config
      memcli get photo > photo.jpg
    """
    with open_node(context) as node:
        data = node.get(os.fsencode(key))
    if data is None:
        fail(f"there is no key {key!r}")
    assert isinstance(data, bytes)
    output = output_of(context)
    if output.as_json:
        output.json(key=key, value=json_value(data))
    else:
        output.data(data)


def delete(
    context: typer.Context,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="The keys to delete.")],
) -> None:
    """Delete keys.

    The exit code is 1 if there was none of them.

    \b
    Examples:
      memcli del app-config
      memcli del user:1 user:2
    """
    with open_node(context) as node:
        deleted = int(node.delete(*map(os.fsencode, keys)))
    output = output_of(context)
    if output.as_json:
        output.json(deleted=deleted)
    else:
        output.say(f"Deleted {deleted} key{'' if deleted == 1 else 's'}")
    if deleted == 0:
        raise typer.Exit(ExitCode.ERROR)


def keys(
    context: typer.Context,
    pattern: Annotated[
        str, typer.Argument(metavar="[PATTERN]", help="Like user:* or photo-[ab]?.")
    ] = "*",
) -> None:
    """List the keys of the whole pool.

    It walks through them in steps (SCAN), so that a large pool goes on serving.

    \b
    Examples:
      memcli keys
      memcli keys 'user:*'
    """
    output = output_of(context)
    with open_node(context) as node:
        found = node.scan_iter(match=os.fsencode(pattern), count=SCAN_COUNT)
        if output.as_json:
            output.json(keys=[json_value(key) for key in found])
        else:
            output.lines(found)


def _parse_ttl(text: str) -> int:
    try:
        return parse_duration(text)
    except ValueError as error:
        fail(f"--ttl cannot be {text!r}: {error}", ExitCode.USAGE)
