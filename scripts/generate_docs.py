"""Writes what follows from the source into the documents.

docs/commands.md comes from the command table as a whole, docs/configuration.md has a table that
comes from the settings of memnode.

Usage: python scripts/generate_docs.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from memcloud.cli.settings import CONFIG, SETTINGS
from memcloud.commands import TABLE
from memcloud.commands.table import Command, Route
from memcloud.version import REDIS_VERSION

DOCS = Path(__file__).resolve().parent.parent / "docs"
COMMANDS_PAGE = DOCS / "commands.md"
CONFIGURATION_PAGE = DOCS / "configuration.md"
SETTINGS_BEGIN = "<!-- settings: made by `make docs` -->\n"
SETTINGS_END = "<!-- end -->\n"

HEAD = f"""\
# Commands

This page is made from the command table by `make docs`; do not edit it.

Every node takes every command, for every key, and answers as one Redis {REDIS_VERSION} server
would. The last column tells where a command does its work: on the node that the client talks to,
on the owner of its keys, on several owners that each do their part, or where its own plan says
(a block's owner and its holder, for instance). A command that runs on one owner and is given
several keys needs them in one slot, which
[hash tags](https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/) see to;
else it answers `CROSSSLOT`.
"""

PLACES = {
    Route.HERE: "this node",
    Route.OWNER: "the owner of the keys",
    Route.GATHER: "the owners of the keys, together",
    Route.PLAN: "wherever it has to",
}


def commands_page() -> str:
    """Return the page of all commands that clients may use, a section for each group."""
    groups: dict[str, list[Command]] = {}
    for command in TABLE:
        for entry in _entries(command):
            groups.setdefault(entry.group, []).append(entry)
    sections = [section for name in sorted(groups) for section in _section(name, groups[name])]
    return "\n".join([HEAD, *sections])


def configuration_page() -> str:
    """Return the page of the settings as it is, with the table in it made anew."""
    before, _, rest = CONFIGURATION_PAGE.read_text().partition(SETTINGS_BEGIN)
    _, _, after = rest.partition(SETTINGS_END)
    return "".join([before, SETTINGS_BEGIN, *_settings(), SETTINGS_END, after])


def _settings() -> Iterator[str]:
    yield "| flag | variable | in the file | what it is |\n"
    yield "|---|---|---|---|\n"
    for setting in (*SETTINGS, CONFIG):
        flag = f"{setting.flag} {setting.metavar}".rstrip()
        key = "" if setting is CONFIG else f"`{setting.key}`"
        yield f"| `{flag}` | `{setting.variable}` | {key} | {_cell(setting.help)} |\n"


def _entries(command: Command) -> Iterator[Command]:
    """Yield a command and its subcommands; a container that does nothing itself is left out."""
    if not command.subcommands or command.has_arity(1):
        yield command
    yield from command.subcommands.values()


def _section(group: str, commands: list[Command]) -> Iterator[str]:
    yield f"## {group.capitalize()}"
    yield ""
    yield "| command | what it does | where |"
    yield "|---|---|---|"
    for command in sorted(commands, key=lambda entry: entry.name):
        line = f"{command.name.replace('|', ' ').upper()} {command.syntax}".strip()
        yield f"| `{_cell(line)}` | {_cell(command.summary)} | {PLACES[command.route]} |"
    yield ""


def _cell(text: str) -> str:
    # The bar would end the cell; it is the only character that does.
    return text.replace("|", "\\|")


if __name__ == "__main__":
    COMMANDS_PAGE.write_text(commands_page())
    CONFIGURATION_PAGE.write_text(configuration_page())
