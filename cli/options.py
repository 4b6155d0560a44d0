"""The global options of memcli, which may stand before and after the subcommand.

They are added to the group and to each command by the classes below, and collect in one record that
all contexts of a call share; what stands further right wins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from . import parsing
from .output import ExitCode, Output, fail
from .sizes import parse_duration

HELP_NAMES = {"help_option_names": ["-h", "--help"]}
DEFAULT_TIMEOUT_MS = 5000
_META_KEY = "memcloud.options"
_SECTION = "Global options"


@dataclass(slots=True)
class Options:
    """What the global options say."""

    host: str | None = None
    port: int | None = None
    socket: str | None = None
    url: str | None = None
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    as_json: bool = False
    is_quiet: bool = False
    no_color: bool = False


@dataclass(frozen=True, slots=True)
class _Global:
    """One of the options, with the field that it fills."""

    field: str
    flags: tuple[str, ...]
    metavar: str  # empty for a switch
    help: str
    parse: Callable[[str], object] = parsing.parse_text


_WHICH_NODE = (
    _Global("host", ("--host", "-H"), "HOST", "Host of the node (default: this machine)."),
    _Global("port", ("--port", "-p"), "PORT", "Port of the node.", parsing.parse_port),
    _Global("socket", ("--socket",), "PATH", "Unix socket of the node.", parsing.parse_socket),
    _Global("url", ("--url",), "URL", "redis://[:PASSWORD@]HOST[:PORT] [env: MEMCLOUD_URL]"),
)
_HOW = (
    _Global(
        "timeout_ms",
        ("--timeout",),
        "TIME",
        "How long to wait for an answer, like 500ms or 1m (default: 5s).",
        parse_duration,
    ),
    _Global("as_json", ("--json",), "", "Print JSON."),
    _Global("is_quiet", ("--quiet", "-q"), "", "Print data and errors only."),
    _Global("no_color", ("--no-color",), "", "Print no colours [env: NO_COLOR]."),
)


def options_of(context: typer.Context) -> Options:
    """Return what the global options of this call say."""
    options = context.meta.setdefault(_META_KEY, Options())
    assert isinstance(options, Options)
    return options


def output_of(context: typer.Context) -> Output:
    """Return the output that this call asked for."""
    options = options_of(context)
    return Output(as_json=options.as_json, is_quiet=options.is_quiet, color=not options.no_color)


class Group(TyperGroup):
    """A group whose global options stand in a section of their own."""

    def __init__(self, **attributes: Any) -> None:
        globals_ = _make_options(_WHICH_NODE + _HOW)
        attributes["params"] = [*(attributes.get("params") or []), *globals_]
        super().__init__(**attributes)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options and the commands into the help."""
        _format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


class Command(TyperCommand):
    """A command that takes the global options as well."""

    takes: tuple[_Global, ...] = _WHICH_NODE + _HOW

    def __init__(self, name: str | None, **attributes: Any) -> None:
        globals_ = _make_options(self.takes)
        attributes["params"] = [*(attributes.get("params") or []), *globals_]
        super().__init__(name, **attributes)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options into the help."""
        _format_options(self, ctx, formatter)


class StartCommand(Command):
    """A command that hands the options which name a node, and all it does not know, on."""

    takes = _HOW


def _make_options(which: tuple[_Global, ...]) -> list[TyperOption]:
    return [
        TyperOption(
            param_decls=list(entry.flags),
            metavar=entry.metavar or None,
            is_flag=not entry.metavar or None,
            default=None if entry.metavar else False,
            help=entry.help,
            callback=_storing(entry),
            expose_value=False,
            rich_help_panel=_SECTION,
        )
        for entry in which
    ]


def _storing(entry: _Global) -> Callable[[Any, Any, Any], None]:
    def store(context: typer.Context, parameter: object, value: str | bool | None) -> None:
        if value is None or value is False:
            return
        try:
            parsed = value if value is True else entry.parse(value)
        except ValueError as error:
            fail(f"{entry.flags[0]} cannot be {value!r}: {error}", ExitCode.USAGE)
        setattr(options_of(context), entry.field, parsed)

    return store


def _format_options(command: Any, context: Any, formatter: Any) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], _SECTION: []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        is_argument = parameter.param_type_name == "argument"
        panel = getattr(parameter, "rich_help_panel", None)
        sections["Arguments" if is_argument else panel or "Options"].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
