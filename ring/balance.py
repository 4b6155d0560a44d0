"""Who owns which slots when everybody's share is to be right: bounded loads.

The problem: consistent hashing alone gives a member its share only on average; with a few hundred
points it is off by 5 to 30 percent, and a node that is full while its neighbour is half empty
wastes the pool. The naive cure, to deal out the slots evenly, moves nearly all of them whenever a
member comes or goes.

The idea, after Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads" (2017):
each member has a most that it takes, and a block whose first choice is full asks the next. That
bounds the load from above only. We bound it from below as well: afterwards a member that has too
little is given slots by members above their share, of blocks that it suits best. The blocks that
are nearest to their first choice ask first: who has to look further is then at the far end of a
run, and the runs stay whole.

What holds, for 1 to 32 members of any weights:

- Every slot has an owner.
- A member whose fair share is at least `SHARE_SLOTS_MIN` slots is within 5 percent of it. A
  smaller one is within one slot of it, since slots are not divided.
- The table follows from the set of shares alone: not from the order of adding, nor from history.

What it costs: when a member comes or goes, some slots move between others as well, since every
member's bounds have changed; tests/ring/test_movement.py says how many.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor

from .hashing import SLOTS
from .ring import BLOCK_SLOTS, BLOCKS, Preferences, Share
from .table import SlotTable

__all__ = ["SHARE_SLOTS_MIN", "TOLERANCE", "least_slots", "most_slots", "target_table"]

TOLERANCE = 0.05
"""How far from its fair share the load of a member may be."""

SHARE_SLOTS_MIN = 20
"""The smallest fair share, in slots, for which a whole number of slots within 5 percent is sure
to exist on either side of it: 1/819 of the pool."""


def target_table(shares: Iterable[Share], epoch: int) -> SlotTable:
    """The table for these members; an empty one when there are none.

    Raises `ValueError` when a member is named twice.
    """
    members = sorted(shares, key=lambda share: share.member)
    names = [share.member for share in members]
    if len(set(names)) != len(names):
        raise ValueError("a member is named twice")
    owners = _Assignment(members).owners() if members else [None] * SLOTS
    return SlotTable(epoch, owners, names)


class _Assignment:
    """The slots of each block while they are dealt out."""

    def __init__(self, shares: list[Share]) -> None:
        total = sum(share.weight for share in shares)
        self._fair = {share.member: SLOTS * share.weight / total for share in shares}
        self._loads = dict.fromkeys(self._fair, 0)
        self._preferences = Preferences(shares)
        self._blocks = self._preferences.blocks()
        # Per block: how many of its slots each of its owners has, first slots first.
        self._parts: list[dict[str, int]] = [{} for _ in range(BLOCKS)]

    def owners(self) -> list[str | None]:
        """The owner of each slot."""
        self._fill_up_to_themost_slots()
        self._raise_to_theleast_slots()
        return [
            member for parts in self._parts for member, count in parts.items() for _ in range(count)
        ]

    def _fill_up_to_themost_slots(self) -> None:
        most = {member: most_slots(fair) for member, fair in self._fair.items()}
        loads = self._loads
        for block in self._blocks:
            left = BLOCK_SLOTS
            for member in self._preferences.of_block(block):
                count = min(left, most[member] - loads[member])
                if count:
                    self._parts[block][member] = count
                    loads[member] += count
                    left -= count
                if not left:
                    break

    def _raise_to_theleast_slots(self) -> None:
        """Give members below their least what those above their fair share have too much.

        It always suffices: the loads sum up to the fair shares, so that what some lack others
        have in excess.
        """
        lacking = {
            member: least_slots(fair) - self._loads[member]
            for member, fair in self._fair.items()
            if self._loads[member] < least_slots(fair)
        }
        # The last to ask come first: they most often did not get what they wanted anyway.
        for block in reversed(self._blocks):
            if not lacking:
                return
            for owner in list(self._parts[block]):
                excess = ceil(self._loads[owner] - self._fair[owner])
                if excess > 0:
                    self._give_away(block, owner, excess, lacking)

    def _give_away(self, block: int, owner: str, excess: int, lacking: dict[str, int]) -> None:
        """Slots of the block go from the owner to the one lacking that the block likes best."""
        taker = next((m for m in self._preferences.of_block(block) if m in lacking), None)
        if taker is None:
            return
        parts = self._parts[block]
        count = min(parts[owner], excess, lacking[taker])
        parts[owner] -= count
        parts[taker] = parts.get(taker, 0) + count
        self._loads[owner] -= count
        self._loads[taker] += count
        lacking[taker] -= count
        if not lacking[taker]:
            del lacking[taker]


def most_slots(fair: float) -> int:
    """The most that a member with this fair share may have."""
    return max(floor(fair * (1 + TOLERANCE)), ceil(fair))


def least_slots(fair: float) -> int:
    """The least that it may have."""
    return min(ceil(fair * (1 - TOLERANCE)), floor(fair))
