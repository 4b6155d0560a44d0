"""The slot table: which member owns which slot, as of an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from .hashing import SLOTS, hash64

__all__ = ["SlotTable"]


class SlotTable:
    """An owner for each of the 16384 slots. Never changes; a new state is a new table.

    Two tables are equal when their content is: the members and the owners. The epoch says when
    a table came to be and not what it holds, and is no part of that, nor of the digest.
    """

    __slots__ = ("_ranges", "digest", "epoch", "members", "owners")

    epoch: int
    """The number of the change that made the table; later tables have higher ones."""
    members: tuple[str, ...]
    """All members, sorted; also one whose share is so small that it owns no slot."""
    owners: tuple[str | None, ...]
    """The owner of each slot, for the fast look-up; all None when there are no members."""
    digest: int
    """64 bits of the content, the same in every process."""

    def __init__(
        self, epoch: int, owners: Sequence[str | None] = (), members: Iterable[str] = ()
    ) -> None:
        """A table with these owners, 16384 or none; they are members whether named or not."""
        assert len(owners) in (0, SLOTS), len(owners)
        self.epoch = epoch
        self.owners = tuple(owners) or (None,) * SLOTS
        self._ranges = tuple(_ranges(self.owners))
        named = {member for _, _, member in self._ranges}
        self.members = tuple(sorted(named.union(members)))
        # Not repr: which characters that escapes changes with the release of Python.
        self.digest = hash64(ascii((self.members, self._ranges)).encode())

    def owner(self, slot: int) -> str | None:
        """Who owns the slot; None in an empty table."""
        return self.owners[slot]

    def ranges(self, member: str) -> list[tuple[int, int]]:
        """The member's slots as (first, last), ascending, as few as possible."""
        return [(first, last) for first, last, owner in self._ranges if owner == member]

    def all_ranges(self) -> list[tuple[int, int, str]]:
        """All owned slots as (first, last, member), ascending, as few as possible."""
        return list(self._ranges)

    def count(self, member: str) -> int:
        """How many slots the member owns."""
        return sum(last - first + 1 for first, last in self.ranges(member))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SlotTable):
            return NotImplemented
        return self.members == other.members and self._ranges == other._ranges

    def __hash__(self) -> int:
        return self.digest

    def __repr__(self) -> str:
        return f"<SlotTable epoch {self.epoch}, {len(self.members)} members, {self.digest:016x}>"


def _ranges(owners: Sequence[str | None]) -> Iterable[tuple[int, int, str]]:
    first = 0
    for owner, run in groupby(owners):
        last = first + sum(1 for _ in run) - 1
        if owner is not None:
            yield first, last, owner
        first = last + 1
