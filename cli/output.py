"""What the commands print, and the codes that they exit with.

Data goes to standard output, messages to standard error. Into a pipe or file the data goes byte for
byte; on a terminal it is made readable, and what a stranger has named cannot send the terminal
control sequences.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NoReturn

import typer

from memcloud.errors import MemCloudError

# Wide enough that no table is cut when nobody looks at it on a screen.
PIPE_WIDTH = 1000
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STATE_STYLES = {"self": "bold", "suspect": "yellow", "leaving": "yellow", "down": "red"}


class ExitCode(IntEnum):
    """What a script can tell from; `docs/cli.md` lists them."""

    OK = 0
    ERROR = 1  # an error reply, or nothing found
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4  # or timed out
    INTERRUPTED = 130


class CliError(MemCloudError):
    """What the user or the machine did cannot be carried out; the sentence says what to do."""

    def __init__(self, sentence: str, code: ExitCode = ExitCode.ERROR) -> None:
        super().__init__(sentence)
        self.code = code


def fail(sentence: str, code: ExitCode = ExitCode.ERROR) -> NoReturn:
    """Raise a `CliError`."""
    raise CliError(sentence, code)


def report(program: str, sentence: str) -> None:
    """Write an error to standard error, on one line."""
    print(f"{program}: {printable(' '.join(sentence.split()))}", file=sys.stderr)


class Output:
    """Prints results as the global options want them."""

    def __init__(
        self, *, as_json: bool = False, is_quiet: bool = False, color: bool = True
    ) -> None:
        self.as_json = as_json
        self.is_quiet = is_quiet
        self._color = color

    def say(self, line: str) -> None:
        """Print a line that tells what was done; ``--quiet`` leaves it out."""
        if not self.is_quiet:
            write(f"{line}\n".encode(errors="surrogateescape"))

    def result(self, line: str, value: str) -> None:
        """Print a line around a value; ``--quiet`` leaves the value alone."""
        write(f"{value if self.is_quiet else line}\n".encode(errors="surrogateescape"))

    def json(self, **fields: object) -> None:
        """Print one JSON object on one line."""
        write(json.dumps({"schema": 1, **fields}, ensure_ascii=False).encode() + b"\n")

    def data(self, data: bytes) -> None:
        """Print a value: as it is into a pipe, as a line of text on a terminal.

        Raises:
            CliError: standard output is a terminal and the value is no text.
        """
        if not is_terminal():
            write(data)
            return
        text = maybe_text(data)
        if text is None:
            fail(
                f"{len(data)} bytes of binary data are not shown on a terminal; "
                "send them to a file or pipe with: > FILE"
            )
        write(text.encode() + (b"" if text.endswith("\n") else b"\n"))

    def lines(self, lines: Iterable[bytes]) -> None:
        """Print one value per line, as they come."""
        is_shown = is_terminal()
        for line in lines:
            shown = printable(line.decode(errors="backslashreplace")).encode()
            write((shown if is_shown else line) + b"\n")

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; columns whose title begins with ``>`` are aligned to the right."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in titles:
            table.add_column(
                title.removeprefix(">"),
                justify="right" if title.startswith(">") else "left",
                no_wrap=True,
            )
        for row in rows:
            cells = [printable(cell) for cell in row]
            table.add_row(*(Text(cell, style=STATE_STYLES.get(cell, "")) for cell in cells))
        console = Console(
            file=sys.stdout,
            width=None if is_terminal() else PIPE_WIDTH,
            no_color=not self._color,
            highlight=False,
        )
        with console.capture() as capture:
            console.print(table)
        lines = [line.rstrip() for line in capture.get().splitlines()]
        write("".join(f"{line}\n" for line in lines).encode())


def is_terminal() -> bool:
    """Return whether a person reads standard output as it is written."""
    return sys.stdout.isatty()


def write(data: bytes) -> None:
    """Write to standard output now. A reader that has had enough ends the program quietly."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Else the interpreter tries once more to flush when it exits, and complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(ExitCode.OK) from None


def printable(text: str) -> str:
    """Return the text with what is not printable, control sequences above all, escaped."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def maybe_text(data: bytes) -> str | None:
    """Return data as text, or None if it is not: no UTF-8, or with control characters in it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if all(char.isprintable() or char in "\n\t" for char in text) else None


def json_value(data: bytes) -> object:
    """Return data as JSON has it: text, or ``{"base64": ...}`` if it is no UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def bytes_text(count: int) -> str:
    """Return a number of bytes in the largest fitting unit: ``1.5 GiB``."""
    if count < 1024:
        return f"{count} B"
    power = min((count.bit_length() - 1) // 10, len(_UNITS) - 1)
    return f"{count / (1 << 10 * power):.1f} {_UNITS[power]}"
