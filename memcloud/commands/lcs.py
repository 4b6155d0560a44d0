"""LCS: the longest common subsequence of two strings, and where its parts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from memcloud.errors import CommandError, SyntaxFault, WrongTypeError
from memcloud.resp import Reply

from .numbers import parse_integer
from .subsequence import Match, common_parts
from .table import Args, Family
from .values import string_at

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("string")
CELL_BYTES = 4  # of the table that Redis makes, by whose size it refuses long strings


@dataclass(slots=True)
class LcsOptions:
    """What LCS was asked for."""

    is_length_wanted: bool = False
    are_matches_wanted: bool = False
    are_lengths_wanted: bool = False
    length_min: int = 0


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
    if (len(a) + 1) * (len(b) + 1) * CELL_BYTES > context.node.string_bytes_max:
        raise CommandError(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
        )
    matches = common_parts(a, b)
    length = sum(match.length for match in matches)
    if options.is_length_wanted:
        return length
    if not options.are_matches_wanted:
        return b"".join(a[match.first_a : match.last_a + 1] for match in reversed(matches))
    shown = [_describe(match, options) for match in matches if match.length >= options.length_min]
    return {b"matches": shown, b"len": length}


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


def _describe(match: Match, options: LcsOptions) -> list[Reply]:
    described: list[Reply] = [[match.first_a, match.last_a], [match.first_b, match.last_b]]
    if options.are_lengths_wanted:
        described.append(match.length)
    return described
