r"""Patterns of KEYS, SCAN and CONFIG GET, by Redis' rules.

    *        any bytes, none included          ?        any one byte
    [abc]    one of these bytes                [^abc]   any other byte
    [a-z]    one of the range, either way      \x       x itself, also within brackets

The rules have corners, and clients may lean on them: a bracket that is never closed ends with the
pattern; ``]`` closes even as the first; bytes above 127 are negative in ranges; the empty text
matches the empty pattern and a lone ``*``, but not ``**``.

The idea: between its stars a pattern has pieces of fixed length. The first is tied to the start,
the last to the end, and each of the others may be taken where it is found first, since to look
further can only leave less for those after it. So there is nothing to try again, and the work is
at most the length of the text times the length of the pattern, whatever a stranger has sent. The
pieces are regular expressions without repetition, for speed.
"""

from __future__ import annotations

import re
from functools import cached_property


class Glob:
    """A pattern to match many texts with."""

    def __init__(self, pattern: bytes, *, ignore_case: bool = False) -> None:
        self._pattern = pattern
        self._flags = re.IGNORECASE | re.DOTALL if ignore_case else re.DOTALL
        self._pieces = _pieces(pattern)
        self._length_min = sum(map(len, self._pieces))

    def matches(self, text: bytes) -> bool:
        """Return whether the whole text fits."""
        if self._pattern == b"*":
            return True
        if not text:
            return not self._pattern
        # Also spares the compilation of a pattern that is longer than any text.
        if len(text) < self._length_min:
            return False
        first, *others = self._expressions
        if not others:
            return first.fullmatch(text) is not None
        return first.match(text) is not None and self._matches_from(text, others)

    def _matches_from(self, text: bytes, others: list[re.Pattern[bytes]]) -> bool:
        start = len(self._pieces[0])
        end = len(text) - len(self._pieces[-1])
        *middle, last = others
        for expression in middle:
            found = expression.search(text, start, end)
            if found is None:
                return False
            start = found.end()
        return last.fullmatch(text, end) is not None

    @cached_property
    def _expressions(self) -> list[re.Pattern[bytes]]:
        return [re.compile(b"".join(piece), self._flags) for piece in self._pieces]


def _pieces(pattern: bytes) -> list[list[bytes]]:
    """Return the pieces between the stars, each as expressions for one byte."""
    pieces: list[list[bytes]] = [[]]
    at = 0
    while at < len(pattern):
        token = pattern[at : at + 1]
        at += 1
        if token == b"*":
            pieces.append([])
        elif token == b"?":
            pieces[-1].append(b".")
        elif token == b"[":
            expression, at = _bracket(pattern, at)
            pieces[-1].append(expression)
        else:
            if token == b"\\" and at < len(pattern):
                token = pattern[at : at + 1]
                at += 1
            pieces[-1].append(re.escape(token))
    # Stars in a row are one star.
    return [pieces[0], *filter(None, pieces[1:-1]), *pieces[1:][-1:]]


def _bracket(pattern: bytes, at: int) -> tuple[bytes, int]:
    """Return an expression for the bracket whose inside begins at ``at``, and where it ends."""
    is_negated = pattern[at : at + 1] == b"^"
    at += is_negated
    members: set[int] = set()
    while at < len(pattern) and pattern[at : at + 1] != b"]":
        if pattern[at : at + 1] == b"\\" and at + 1 < len(pattern):
            members.add(pattern[at + 1])
            at += 2
        elif pattern[at + 1 : at + 2] == b"-" and at + 2 < len(pattern):
            members.update(_range(pattern[at], pattern[at + 2]))
            at += 3
        else:
            members.add(pattern[at])
            at += 1
    return _one_of(members, is_negated), at + 1


def _range(first: int, last: int) -> set[int]:
    low, high = sorted((_signed(first), _signed(last)))
    return {number & 0xFF for number in range(low, high + 1)}


def _signed(byte: int) -> int:
    # As in Redis, whose char has a sign.
    return byte - 256 if byte > 127 else byte


def _one_of(members: set[int], is_negated: bool) -> bytes:
    if not members:
        return b"." if is_negated else b"(?!)"
    inside = b"".join(b"\\x%02x" % byte for byte in sorted(members))
    return b"[%s%s]" % (b"^" if is_negated else b"", inside)
