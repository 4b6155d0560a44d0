"""Scripts of commands, as the files in ``cases/`` have them.

A line is a command; words are bare, or quoted as Python's bytes literals are, with ``"x"*50`` for
repetition. ``#`` begins a comment line.

    SET key "two words\\r\\n\\x00"     the reply is compared
    @other GET key                    on a second connection, called other
    !exact OBJECT ENCODING key        equal to the byte, whatever the rules allow
    !until :0 EXISTS key              again and again, on each side, until the reply begins so
    !scan SCAN 0 COUNT 3              page after page; all keys that came are compared
    !silent CLIENT REPLY OFF          sent only: no reply is due
    !raw "*1\\r\\n$4\\r\\nPING\\r\\n"     these bytes are sent as they are, and one reply compared
    !closed PING                      the rest up to the end of the connection is compared
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

CASES = Path(__file__).parent / "cases"

MAIN = "main"
"""The connection of lines that name none."""

_WORD = re.compile(r"""\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')(?:\*(\d+))?|(\S+))""")


@dataclass(frozen=True)
class Step:
    """One line: what to send, where, and what to do with the answer."""

    words: tuple[bytes, ...]
    action: str = "compare"
    connection: str = MAIN
    place: str = field(default="", compare=False)

    @property
    def sent(self) -> bytes:
        """The bytes to send."""
        return b"".join(self.words) if self.action == "raw" else encoded(self.words)

    def __str__(self) -> str:
        words = " ".join(_quoted(word) for word in self.words)
        return f"{words}  ({self.place})" if self.place else words


def encoded(words: tuple[bytes, ...]) -> bytes:
    """The command as clients send it."""
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
    return b"".join(parts)


def read_script(path: Path) -> list[Step]:
    """The steps of a file."""
    lines = path.read_text("utf-8").splitlines()
    return [
        parse_line(line, f"{path.name}:{number}")
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.startswith("#")
    ]


def parse_line(line: str, place: str = "") -> Step:
    """The step that a line describes."""
    connection, action = MAIN, "compare"
    if line.startswith("@"):
        connection, _, line = line[1:].partition(" ")
    if line.startswith("!"):
        action, _, line = line[1:].partition(" ")
    assert action in ("compare", "exact", "scan", "until", "silent", "raw", "closed"), (
        action,
        place,
    )
    return Step(tuple(parse_words(line)), action, connection, place)


def parse_words(line: str) -> list[bytes]:
    """The words of a line."""
    return [
        ast.literal_eval("b" + quoted) * int(times or 1) if quoted else bare.encode()
        for quoted, times, bare in _WORD.findall(line.rstrip())
    ]


def _quoted(word: bytes) -> str:
    if re.fullmatch(rb"[!-~]+", word) and not word.startswith((b'"', b"'", b"@", b"!", b"#")):
        return word.decode()
    return f"{_text(word[:100])}...({len(word)})" if len(word) > 200 else _text(word)


def _text(word: bytes) -> str:
    return '"' + repr(b"'" + word)[3:-1].replace("\\'", "'").replace('"', '\\"') + '"'
