"""Targets that one can work out in one's head."""

from __future__ import annotations

from memcloud.protocol.settings import Targets, Weights
from memcloud.protocol.table import Member


def rotating_targets(slot_count: int) -> Targets:
    """Return what gives each slot the members in turn, by name of device."""

    def targets(weights: Weights, copies: int) -> list[tuple[Member, ...]]:
        members = sorted(member for member, _ in weights)
        return [
            tuple((members * 2)[slot % len(members) :][: min(copies, len(members))])
            for slot in range(slot_count)
        ]

    return targets
