"""What has to move for one slot table to become another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from .table import SlotTable

__all__ = ["Move", "diff"]


@dataclass(frozen=True, slots=True)
class Move:
    """The slots first to last, both included, go from source to target.

    ``source`` is None when nobody owned them before, ``target`` is None when nobody will.
    """

    first: int
    last: int
    source: str | None
    target: str | None

    @property
    def slots(self) -> int:
        """How many slots move."""
        return self.last - self.first + 1


def diff(old: SlotTable, new: SlotTable) -> list[Move]:
    """The moves from one table to the other, ascending; neighbours with the same ends are one."""
    return list(_moves(old, new))


def _moves(old: SlotTable, new: SlotTable) -> Iterator[Move]:
    first = 0
    for (source, target), run in groupby(zip(old.owners, new.owners, strict=True)):
        last = first + sum(1 for _ in run) - 1
        if source != target:
            yield Move(first, last, source, target)
        first = last + 1
