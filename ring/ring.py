"""The order in which members are asked to take a block of slots: weighted consistent hashing.

A block is a run of neighbouring slots. uhashring gives each member its points on a circle of
64-bit numbers; the blocks lie on the same circle, one after the other, evenly spaced. A block
looks how far it is, going up, to the next point of each member, divides that by the RAM which the
member offers, and asks the nearest first. (The linear method of Schindelhauer and Schomaker,
"Weighted Distributed Hash Tables", 2005.) A newcomer gets between some blocks and their nearest
member, and changes nothing else: that is what keeps movement small.

Why not points in proportion to the RAM, which is uhashring's own way? A gigabyte would need
points enough for a pool of one-gigabyte machines to be even, and then a 64 GiB machine would have
thousands, each slot another owner, and a table that takes most of a second. If the number went by
the size of the pool, every member's points would change when it grows. So all have the same
number, the circle is the same whether the pool is of megabytes or terabytes, and a member that
offers a little more than before reaches a little further, with no steps in between.

The blocks are not hashed on to the circle, as keys commonly are: neighbouring blocks are near to
the same points, and so the slots of a member lie in runs. `CLUSTER SLOTS` is short for few members
and grows with the pool.

Only this file knows uhashring, which hashes ``str`` and takes microseconds for a look-up. It is
asked when members come and go, and never for a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from uhashring import HashRing

from .hashing import SLOTS, hash64

__all__ = ["BLOCKS", "BLOCK_SLOTS", "Preferences", "Share"]

BLOCK_SLOTS = 4
"""Finer blocks move less between others when a member comes or goes, and make more ranges."""

BLOCKS = SLOTS // BLOCK_SLOTS

_POINTS = 192
"""Per member. Before `balance` acts, a load is off its share by one over the square root of this,
7 percent. More points move less in a large pool, and make more ranges: at 32 equal members a join
moves 1.3 times the newcomer's slots on average with 192 points, 1.35 times with 128."""

_CIRCLE = 1 << 64
_STEP = _CIRCLE // BLOCKS


@dataclass(frozen=True, slots=True)
class Share:
    """What a member brings: ``weight`` is the RAM that it offers, in bytes, more than 0."""

    member: str
    weight: int

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ValueError(f"the weight of {self.member!r} is {self.weight}, not above 0")


class Preferences:
    """For each block, all members, each once, the one that suits best first."""

    def __init__(self, shares: Sequence[Share]) -> None:
        self._members = [share.member for share in shares]
        ring = HashRing(self._members, vnodes=_POINTS, hash_fn=_hash_of_name)
        points: dict[str, list[int]] = {member: [] for member in self._members}
        for point, member in ring.get_points():
            points[member].append(point)
        self._distances = list(
            zip(*(_distances(points[share.member], share.weight) for share in shares), strict=True)
        )

    def blocks(self) -> list[int]:
        """All blocks, those that are nearest to their first choice first."""
        nearness = [min(distances) for distances in self._distances]
        return sorted(range(BLOCKS), key=nearness.__getitem__)

    def distances(self, block: int) -> Sequence[float]:
        """How little each member suits the block, in the order of the shares."""
        return self._distances[block]

    def of_block(self, block: int) -> Iterator[str]:
        """The members in the order in which the block, 0 to BLOCKS - 1, asks them."""
        distances = self._distances[block]
        # Most blocks ask one member only, and to find the nearest is cheaper than to sort.
        nearest = distances.index(min(distances))
        yield self._members[nearest]
        for index in sorted(range(len(distances)), key=distances.__getitem__):
            if index != nearest:
                yield self._members[index]


def _distances(points: Iterable[int], weight: int) -> Iterator[float]:
    """How far it is from the middle of each block up to the next of the points, by weight.

    Python divides integers with correct rounding, and so the same in every process.
    """
    ascending = list(points)
    ascending.append(ascending[0] + _CIRCLE)
    upcoming = iter(ascending)
    point = next(upcoming)
    for position in range(_STEP // 2, _CIRCLE, _STEP):
        while point < position:
            point = next(upcoming)
        yield (point - position) / weight


def _hash_of_name(name: str) -> int:
    """The place on the circle of a point, which uhashring calls by the member and a number."""
    return hash64(name.encode())
