"""Which members are to hold each slot: the placement of `memcloud.ring` for members of a table.

Placement goes by device. A device that starts again gets back the slots that it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from memcloud.ring import Share, holders

from .protocol.settings import Weights
from .protocol.table import Member

__all__ = ["ring_targets"]


@lru_cache(maxsize=8)
def ring_targets(weights: Weights, copies: int) -> Sequence[tuple[Member, ...]]:
    """Return for each slot its members, the primary first: as many as wanted, or as there are.

    For the same devices and weights it is the same in every process, whatever their order is.
    """
    shares = sorted((member.device, max(1, weight)) for member, weight in weights)
    members = {member.device: member for member, _ in weights}
    placed = _placement(tuple(shares), copies)
    named = {devices: tuple(members[device] for device in devices) for devices in set(placed)}
    return tuple(named[devices] for devices in placed)


@lru_cache(maxsize=8)
def _placement(shares: tuple[tuple[str, int], ...], copies: int) -> list[tuple[str, ...]]:
    return holders([Share(device, weight) for device, weight in shares], copies)
