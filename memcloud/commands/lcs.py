"""LCS: the longest common subsequence of two strings, and where its parts are.

The table of lengths is that of Wagner and Fischer (1974). Of several longest sequences the walk
back through it takes the one that Redis takes: on a tie it goes left.

Limits: time and memory grow with the product of the lengths, and nothing else runs meanwhile, so
the product is bounded much below what Redis allows (half a second here).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memcloud.errors import CommandError, SyntaxFault, WrongTypeError
from memcloud.resp import Reply

from .numbers import parse_integer
from .table import Args, Family
from .values import string_at

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("string")
CELLS_MAX = 1 << 22
TOO_LONG = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"


@dataclass(frozen=True, slots=True)
class Match:
    """A part that both strings have; first and last positions, both included."""

    first_a: int
    last_a: int
    first_b: int
    last_b: int

    @property
    def length(self) -> int:
        """How long the part is."""
        return self.last_a - self.first_a + 1


@dataclass(slots=True)
class LcsOptions:
    """What LCS was asked for."""

    is_length_wanted: bool = False
    are_matches_wanted: bool = False
    are_lengths_wanted: bool = False
    length_min: int = 0


@dataclass(slots=True)
class _Walk:
    """The way back through the table: the common bytes and the parts, both from the end."""

    common: bytearray = field(default_factory=bytearray)
    matches: list[Match] = field(default_factory=list)


@FAMILY.command(
    "lcs",
    -3,
    "readonly",
    keys=(1, 2, 1),
    since="7.0.0",
    complexity="O(N*M) where N and M are the lengths of the strings",
    summary="Finds the longest sequence of bytes that two strings have in common.",
    syntax="key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
)
def lcs(context: Context, args: Args) -> Reply:
    """LCS: the sequence, its length, or a map of the parts and the length."""
    try:
        a, b = (string_at(context.keys, key) or b"" for key in args[1:3])
    except WrongTypeError:
        raise CommandError("ERR The specified keys must contain string values") from None
    options = _parse_options(args[3:])
    if (len(a) + 1) * (len(b) + 1) > CELLS_MAX:
        raise CommandError(TOO_LONG)
    table = _lengths(a, b)
    length = table[-1][-1]
    if options.is_length_wanted:
        return length
    walk = _walk_back(a, b, table)
    if not options.are_matches_wanted:
        return bytes(reversed(walk.common))
    matches = [match for match in walk.matches if match.length >= options.length_min]
    return {b"matches": [_describe(match, options) for match in matches], b"len": length}


def _parse_options(words: Args) -> LcsOptions:
    options = LcsOptions()
    rest = iter(words)
    for word in rest:
        match word.upper():
            case b"IDX":
                options.are_matches_wanted = True
            case b"LEN":
                options.is_length_wanted = True
            case b"WITHMATCHLEN":
                options.are_lengths_wanted = True
            case b"MINMATCHLEN" if (number := next(rest, None)) is not None:
                options.length_min = max(0, parse_integer(number))
            case _:
                raise SyntaxFault
    if options.is_length_wanted and options.are_matches_wanted:
        raise CommandError("ERR If you want both the length and indexes, please just use IDX.")
    return options


def _lengths(a: bytes, b: bytes) -> list[list[int]]:
    """Return the table: at [i][j] the length for the first i and j bytes."""
    table = [[0] * (len(b) + 1)]
    for byte in a:
        above = table[-1]
        row = [0]
        left = 0
        for j, other in enumerate(b):
            left = above[j] + 1 if byte == other else max(above[j + 1], left)
            row.append(left)
        table.append(row)
    return table


def _walk_back(a: bytes, b: bytes, table: list[list[int]]) -> _Walk:
    walk = _Walk()
    i, j = len(a), len(b)
    end: tuple[int, int] | None = None  # where the part begins that is being walked through
    while i and j:
        if a[i - 1] == b[j - 1]:
            end = end or (i - 1, j - 1)
            walk.common.append(a[i - 1])
            i, j = i - 1, j - 1
            continue
        if end is not None:
            walk.matches.append(Match(i, end[0], j, end[1]))
            end = None
        if table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    if end is not None:
        walk.matches.append(Match(i, end[0], j, end[1]))
    return walk


def _describe(match: Match, options: LcsOptions) -> list[Reply]:
    described: list[Reply] = [[match.first_a, match.last_a], [match.first_b, match.last_b]]
    if options.are_lengths_wanted:
        described.append(match.length)
    return described
