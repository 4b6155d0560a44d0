"""The longest common subsequence of two strings, a row of its table at a time.

Let L(i, j) be its length for the first i bytes of one string and the first j of the other: the
table of Wagner and Fischer (1974). Of several longest sequences, clients of Redis know the one that
this walk from (len(a), len(b)) back to the edge takes:

    equal bytes at i and j              take them; up and left
    otherwise, L(i-1, j) > L(i, j-1)    up
    otherwise                           left

The problem: filled cell by cell, the table keeps a node busy for seconds. The idea: neighbours
differ by 0 or 1, so that a row is one integer of such bits, and follows from the row above by a
few operations on whole integers (Hyyrö, "Bit-parallel LCS-length computation revisited", 2004).
The bits also tell the walk where to turn, so that it need not go by single cells either: in the
middle of a row, unequal bytes mean left where L(i, j) = L(i, j-1), else up.

The rows belong to the shorter string. If that is ``b``, they are columns of the table above, and
the walk turns left where L(i, j) = L(i, j-1), which follows from two columns (`_turns_in_column`).

Cost: O(N*M/30) steps of the processor and N*M/7 bytes, for the length of the strings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


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


def common_parts(a: bytes, b: bytes) -> list[Match]:
    """Return the parts of a longest common subsequence, the last one first."""
    if len(a) <= len(b):
        return _runs(_walk_back(a, b, _turns(a, b, _turns_in_row)))
    return _runs([(i, j) for j, i in _walk_back(b, a, _turns(b, a, _turns_in_column))])


def _turns(short: bytes, long: bytes, turns: Callable[[int, int, int], int]) -> list[int]:
    """Return for each byte of ``short`` the bits of ``long`` at which the walk leaves its row."""
    everything = (1 << len(long)) - 1
    places = {byte: _places(long, byte) for byte in set(short)}
    found = []
    steps = everything  # a zero where the length grows by one
    for byte in short:
        above = steps
        equal = steps & places[byte]
        steps = (steps + equal | steps - equal) & everything
        found.append(turns(above, steps, everything))
    return found


def _places(text: bytes, byte: int) -> int:
    """Return an integer whose bit n says whether ``byte`` is at n."""
    digits = bytearray(b"0" * 256)
    digits[byte] = ord("1")
    return int(text.translate(digits)[::-1] or b"0", 2)


def _turns_in_row(above: int, steps: int, everything: int) -> int:
    """Return where a row of ``a`` grows: up."""
    return steps ^ everything


def _turns_in_column(above: int, steps: int, everything: int) -> int:
    """Return where a column of ``b`` is no longer than the one before: left.

    The columns take turns in growing. So the places where this one is ahead by 1 go from where
    it has grown to below where the other has caught up, which is what a subtraction gives (to the
    end, by its borrow, if that does not happen).
    """
    ahead = above & ~steps
    caught_up = steps & ~above
    return everything & ~(caught_up - ahead)


def _walk_back(short: bytes, long: bytes, turns: list[int]) -> list[tuple[int, int]]:
    """Return the positions of the bytes in common, the last one first."""
    taken = []
    at, there = len(short), len(long)
    while at and there:
        equal = long.rfind(short[at - 1 : at], 0, there) + 1
        turn = (turns[at - 1] & ((1 << there) - 1)).bit_length()
        there = max(equal, turn)
        at -= 1
        if there and there == equal:
            there -= 1
            taken.append((at, there))
    return taken


def _runs(taken: list[tuple[int, int]]) -> list[Match]:
    """Join positions that follow each other in both strings."""
    runs: list[Match] = []
    for i, j in taken:
        if runs and (runs[-1].first_a, runs[-1].first_b) == (i + 1, j + 1):
            runs[-1] = Match(i, runs[-1].last_a, j, runs[-1].last_b)
        else:
            runs.append(Match(i, i, j, j))
    return runs
