"""memnode: lends the RAM of this machine to the pool, and serves the pool to Redis clients."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

from memcloud.native import native_text
from memcloud.settings import Settings
from memcloud.version import VERSION

from . import paths
from .entry import run
from .options import HELP_NAMES
from .settings import CONFIG, SETTINGS, Setting, read_settings

_META_KEY = "memcloud.settings"


def setting_options() -> list[TyperOption]:
    """Return a command line option for each setting; `given_settings` has what they say."""
    return [
        TyperOption(
            param_decls=[setting.flag, *([setting.short_flag] if setting.short_flag else [])],
            metavar=setting.metavar or None,
            is_flag=setting.is_switch or None,
            default=False if setting.is_switch else None,
            multiple=setting.is_repeatable,
            help=f"{setting.help} [env: {setting.variable}]",
            callback=_storing(setting),
            expose_value=False,
        )
        for setting in (*SETTINGS, CONFIG)
    ]


class SettingsCommand(TyperCommand):
    """A command with an option for each setting."""

    def __init__(self, name: str | None, **attributes: Any) -> None:
        attributes["params"] = [*(attributes.get("params") or []), *setting_options()]
        super().__init__(name, **attributes)


app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=HELP_NAMES,
)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"memnode {VERSION} (native modules: {native_text()})")
        raise typer.Exit


@app.command(cls=SettingsCommand)
def memnode(
    context: typer.Context,
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_show_version, is_eager=True
    ),
) -> int:
    """Lend RAM of this machine to the pool, and serve the pool to Redis clients.

    Nodes on one network find each other; any Redis client on any of them sees one cache.

    \b
    Examples:
      memnode
      memnode --name NodeA --port 8080 --memory 4g
      memnode --peer-bind 0.0.0.0 --join 192.168.1.9:6380
    """
    settings = read_settings(given_settings(context), os.environ)
    prepare(settings)
    # The event loop and mDNS take longer to import than a wrong flag should take to be refused.
    from memcloud.net.runner import run as run_node

    return run_node(settings)


def given_settings(context: typer.Context) -> dict[str, Any]:
    """Return what stands on the command line, by key."""
    given: dict[str, Any] = context.meta.setdefault(_META_KEY, {})
    return given


def prepare(settings: Settings) -> None:
    """Make the folder of the default socket.

    Raises:
        StartError: it is not ours alone.
    """
    if settings.socket_path is not None:
        folder = Path(settings.socket_path).parent
        if folder == paths.runtime_dir():
            paths.make_private(folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run memnode and exit with its code."""
    sys.exit(run(app, "memnode", arguments))


def _storing(setting: Setting) -> Callable[[Any, Any, Any], None]:
    def store(context: typer.Context, parameter: object, value: Any) -> None:
        given_settings(context)[setting.key] = value

    return store


if __name__ == "__main__":
    main()
