"""The replies of the HELP subcommands, in the form that Redis gives them."""

from __future__ import annotations

from collections.abc import Sequence


def help_lines(container: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    """Return the lines for a container command: each form, then what it does, indented."""
    lines = [
        f"{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    ]
    for form, text in entries:
        lines += [form, f"    {text}"]
    return [*lines, "HELP", "    Prints this help."]
