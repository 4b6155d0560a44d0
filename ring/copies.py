"""Who holds each slot besides its owner: more copies, in proportion to the RAM of the members.

The problem: the owner's load is one thing, but what fills the RAM is all copies that a member
holds, and no member holds a slot twice. So the copies cannot be placed by RAM alone. Of members
that offer 2, 1 and 1 GiB, the first must hold every slot that has two copies, and the others must
not be each other's backup.

The idea: a block asks its next copy of the member that it would prefer if those that have one were
not there (`ring`). So when an owner dies, its slots go to many, in proportion to their RAM; the
first backup is mostly the owner in the table without the dead one; and a newcomer gets between
without moving other copies. To be loaded by RAM none the less, members are preferred by an
*inclination* instead of their RAM: how much a member must be liked for its expected share to be the
fair one. It follows from the RAM of all alone, and not from what chance made of it, so that it
changes little when a member comes or goes. Where all offer the same, it is the RAM.

What chance leaves, 7 percent, is evened out: a member that holds more than `TOLERANCE` above its
fair share hands slots on, those that hardly preferred it first, maybe by way of others: the
receiver must not hold the slot already. Of the slots with more copies, the first ones are those
that they have with fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import fsum, inf
from operator import truediv

from .balance import least_slots, most_slots, target_table
from .hashing import SLOTS
from .ring import BLOCK_SLOTS, Preferences, Share

__all__ = ["fair_shares", "holders"]

_ROUNDS = 24
"""Of working out inclinations. More make no difference that `_Layer.even_out` would notice."""

Groups = dict[tuple[int, ...], float]
"""How many slots are expected to be held by just those members."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Neighbouring slots of a block with the same holders, the owner first."""

    first: int
    count: int
    holders: tuple[int, ...]


def holders(shares: Iterable[Share], copies: int) -> list[tuple[str, ...]]:
    """Return for each slot who holds it, the owner first: as many as wanted, or as there are.

    Raises `ValueError` when a member is named twice, or there is none.
    """
    members = sorted(shares, key=lambda share: share.member)
    if not members:
        raise ValueError("there are no members")
    numbers = {share.member: number for number, share in enumerate(members)}
    owners = target_table(members, epoch=0).owners
    pieces = list(_pieces([numbers[owner] for owner in owners if owner is not None]))
    if copies > 1:
        preferences = Preferences(members)
        weights = [share.weight for share in members]
        groups: Groups = {(each,): fair for each, fair in enumerate(fair_shares(weights, 1))}
        for count in range(2, min(copies, len(members)) + 1):
            liking, groups = _inclinations(weights, groups, count)
            layer = _Layer(fair_shares(weights, count), liking, preferences, pieces)
            layer.even_out()
            pieces = layer.pieces()
    named = {
        piece.holders: tuple(members[each].member for each in piece.holders) for piece in pieces
    }
    return [named[piece.holders] for piece in pieces for _ in range(piece.count)]


def fair_shares(weights: Sequence[int], copies: int) -> list[float]:
    """Return how many slots each is to hold: by its weight, but nobody holds one twice."""
    fair = [float(SLOTS)] * len(weights)
    sharing, left = list(range(len(weights))), SLOTS * copies
    while sharing:
        total = sum(weights[each] for each in sharing)
        modest = [each for each in sharing if left * weights[each] < SLOTS * total]
        if len(modest) == len(sharing):
            for each in sharing:
                fair[each] = left * weights[each] / total
            break
        left -= SLOTS * (len(sharing) - len(modest))
        sharing = modest
    return fair


def _pieces(owners: Sequence[int]) -> Iterator[_Piece]:
    slots = enumerate(owners)
    for (_, owner), run in groupby(slots, key=lambda item: (item[0] // BLOCK_SLOTS, item[1])):
        taken = [slot for slot, _ in run]
        yield _Piece(taken[0], len(taken), (owner,))


def _inclinations(
    weights: Sequence[int], groups: Groups, copies: int
) -> tuple[list[float], Groups]:
    """Return how much each is liked for one more copy, for its weight, and the groups after it.

    A group goes to those who are not in it, in proportion to how much they are liked in all. Who
    would get too little in that way is liked more, and so on until all get what is fair.
    """
    members = range(len(weights))
    before, after = fair_shares(weights, copies - 1), fair_shares(weights, copies)
    liked = [float(weight) for weight in weights]
    for _ in range(_ROUNDS):
        gets = [0.0] * len(weights)
        for group, count in groups.items():
            factor = count / fsum(liked[each] for each in members if each not in group)
            for each in members:
                if each not in group:
                    gets[each] += liked[each] * factor
        for each in members:
            # Whoever has all it may have is not liked at all, if only for the division.
            wanted = max(after[each] - before[each], 1e-6)
            liked[each] *= wanted / max(gets[each], 1e-6)
    larger: Groups = {}
    for group, count in groups.items():
        factor = count / fsum(liked[each] for each in members if each not in group)
        for each in members:
            if each not in group:
                key = tuple(sorted((*group, each)))
                larger[key] = larger.get(key, 0.0) + liked[each] * factor
    return list(map(truediv, liked, weights)), larger


class _Layer:
    """One more copy of every slot."""

    def __init__(
        self,
        fair: Sequence[float],
        liking: Sequence[float],
        preferences: Preferences,
        pieces: Iterable[_Piece],
    ) -> None:
        """Give every piece to the one that it likes best."""
        self._members = range(len(fair))
        self._fair = fair
        self._most = [most_slots(each) for each in fair]
        self._least = [least_slots(each) for each in fair]
        self._liking = liking
        self._preferences = preferences
        self._loads = [0] * len(fair)
        # By member: what this layer gives it, by first slot; and how many slots of that each
        # other member has a copy of, itself included.
        self._gets: list[dict[int, _Piece]] = [{} for _ in fair]
        self._common = [[0] * len(fair) for _ in fair]
        for piece in pieces:
            for each in piece.holders:
                self._loads[each] += piece.count
            reluctance = self._reluctance(piece)
            for each in piece.holders:
                reluctance[each] = inf
            self._give(piece, reluctance.index(min(reluctance)))

    def pieces(self) -> list[_Piece]:
        """Return all pieces with one more holder each, in order."""
        pieces = [
            _Piece(piece.first, piece.count, (*piece.holders, member))
            for member, gets in enumerate(self._gets)
            for piece in gets.values()
        ]
        return sorted(pieces, key=lambda piece: piece.first)

    def even_out(self) -> None:
        """Bring all loads into their bounds, as far as that is possible."""
        fair, loads = self._fair, self._loads
        for member in self._members:
            while (excess := loads[member] - self._most[member]) > 0:
                came_by = self._reachable(member, self._can_shift)
                others = [each for each in came_by if loads[each] < self._most[each]]
                if not others:
                    break
                end = min(others, key=lambda each: (loads[each] / fair[each], each))
                bound = fair[end] if loads[end] < int(fair[end]) else self._most[end]
                self._shift_along(_path(came_by, end)[::-1], min(excess, int(bound) - loads[end]))
        for member in self._members:
            while (lack := self._least[member] - loads[member]) > 0:
                came_by = self._reachable(member, lambda one, other: self._can_shift(other, one))
                others = [each for each in came_by if loads[each] > self._least[each]]
                if not others:
                    break
                end = max(others, key=lambda each: (loads[each] / fair[each], each))
                bound = fair[end] if loads[end] > int(fair[end]) + 1 else self._least[end]
                self._shift_along(_path(came_by, end), min(lack, loads[end] - int(bound)))

    def _reluctance(self, piece: _Piece) -> list[float]:
        distances = self._preferences.distances(piece.first // BLOCK_SLOTS)
        return list(map(truediv, distances, self._liking))

    def _give(self, piece: _Piece, member: int, sign: int = 1) -> None:
        if sign > 0:
            self._gets[member][piece.first] = piece
        else:
            del self._gets[member][piece.first]
        self._loads[member] += sign * piece.count
        for each in (member, *piece.holders):
            self._common[member][each] += sign * piece.count

    def _can_shift(self, source: int, target: int) -> int:
        """Return how many slots of this layer one member could hand to another."""
        return self._common[source][source] - self._common[source][target]

    def _reachable(self, start: int, is_open: Callable[[int, int], int]) -> dict[int, int]:
        """Return the members that can be reached, nearest first, and from whom."""
        came_by = {start: start}
        for one in (ahead := [start]):
            for other in self._members:
                if other not in came_by and is_open(one, other):
                    came_by[other] = one
                    ahead.append(other)
        return came_by

    def _shift_along(self, path: Sequence[int], count: int) -> None:
        steps = list(pairwise(path))
        count = min(count, *(self._can_shift(source, target) for source, target in steps))
        for source, target in steps:
            self._shift(source, target, count)

    def _shift(self, source: int, target: int, count: int) -> None:
        """Hand on slots, those first that are least averse to it."""
        pieces = [each for each in self._gets[source].values() if target not in each.holders]
        for piece in sorted(pieces, key=lambda each: self._aversion(each, source, target)):
            self._give(piece, source, -1)
            kept = max(0, piece.count - count)
            if kept:
                self._give(_Piece(piece.first, kept, piece.holders), source)
            self._give(_Piece(piece.first + kept, piece.count - kept, piece.holders), target)
            count -= piece.count - kept
            if not count:
                break

    def _aversion(self, piece: _Piece, source: int, target: int) -> tuple[float, int]:
        reluctance = self._reluctance(piece)
        return reluctance[target] - reluctance[source], piece.first


def _path(came_by: dict[int, int], end: int) -> list[int]:
    """Return the way back from the end to the start."""
    path = [end]
    while came_by[path[-1]] != path[-1]:
        path.append(came_by[path[-1]])
    return path
