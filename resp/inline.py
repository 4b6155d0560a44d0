r"""Inline commands: a line of words, as a person types it into telnet.

The rules are Redis' own, with their corners. Words end at a blank, tab, CR or LF, while vertical
tab and form feed are skipped in front of a word but do not end one. A quote may open within a
word (``a"b c"`` is the one word ``ab c``), and ends it: after the closing quote comes white space
or the end of the line.

Between double quotes ``\n \r \t \b \a`` and ``\xHH`` stand for one byte, and every other escaped
byte for itself. Between single quotes only ``\'`` is an escape.
"""

from __future__ import annotations

import re

from .errors import ProtocolError

_WORD_START = re.compile(rb"[^ \t\n\r\v\f]")
_BARE = re.compile(rb"[^ \t\n\r\"']*")
_SPACE_OR_END = re.compile(rb"[ \t\n\r\v\f]|\Z")

# Possessive (*+), so that an escaped quote is never taken back to be the closing one.
_SINGLE_QUOTED = re.compile(rb"'((?:\\'|[^'])*+)'")
_DOUBLE_QUOTED = re.compile(rb'"((?:\\.|[^"\\])*+)"', re.DOTALL)

# What bytes.split() would do otherwise: quotes, and the two spaces that do not end a word.
_UNUSUAL = re.compile(rb"[\"'\v\f]")

_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED_BYTES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def split_inline(line: bytes) -> list[bytes]:
    """The words of ``line``, which comes without its line end; none for a blank line.

    Raises `ProtocolError` when a quote is not closed, or closes within a word.
    """
    if not _UNUSUAL.search(line):
        return line.split()
    words = []
    start = _WORD_START.search(line)
    while start:
        word, position = _read_word(line, start.start())
        words.append(word)
        start = _WORD_START.search(line, position)
    return words


def _read_word(line: bytes, position: int) -> tuple[bytes, int]:
    """The word that begins at ``position``, and where it ends."""
    bare_end = _bare_end(line, position)
    bare = line[position:bare_end]
    quote = line[bare_end : bare_end + 1]
    if quote == b'"':
        quoted, end = _read_quoted(_DOUBLE_QUOTED, line, bare_end)
        return bare + _ESCAPE.sub(_unescaped, quoted), end
    if quote == b"'":
        quoted, end = _read_quoted(_SINGLE_QUOTED, line, bare_end)
        return bare + quoted.replace(b"\\'", b"'"), end
    return bare, bare_end


def _bare_end(line: bytes, position: int) -> int:
    match = _BARE.match(line, position)
    assert match is not None, "the pattern matches nothing at all, too"
    return match.end()


def _read_quoted(pattern: re.Pattern[bytes], line: bytes, position: int) -> tuple[bytes, int]:
    """What stands between the quotes that open at ``position``, and where they end."""
    match = pattern.match(line, position)
    if match is None or not _SPACE_OR_END.match(line, match.end()):
        raise ProtocolError("Protocol error: unbalanced quotes in request")
    return match[1], match.end()


def _unescaped(escape: re.Match[bytes]) -> bytes:
    digits, letter = escape[1], escape[2]
    return bytes.fromhex(digits.decode()) if digits else _ESCAPED_BYTES.get(letter, letter)
