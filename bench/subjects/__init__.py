"""What is measured: a file for each subject, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..report import Section
from . import (
    commands,
    connections,
    copies,
    forwarding,
    hit_ratios,
    large_values,
    limits,
    memory,
    neighbours,
    paused_peer,
    small,
    stalls,
)
from .options import Options

__all__ = ["SUBJECTS", "Options", "Subject"]


@dataclass(frozen=True)
class Subject:
    """One subject: its name for `--only`, its title on the page, how it is measured, its bound."""

    name: str
    title: str
    measure: Callable[[Section, Options], None]
    minutes_max: float
    minutes_max_large: float = 0.0  # where --large makes a difference

    def seconds_max(self, options: Options) -> int:
        """Return after how many seconds it is stopped."""
        minutes = self.minutes_max_large if options.large else 0.0
        return int(60 * max(minutes, self.minutes_max))


SUBJECTS = (
    Subject("small", "GET and SET of small values", small.measure, 4),
    Subject("commands", "Every other command", commands.measure, 5),
    Subject("memory", "Memory per key, and after deletes", memory.measure, 4, 20),
    Subject("stalls", "Stalls: growing, flushing, deleting", stalls.measure, 3, 20),
    Subject("limits", "The limit of memory", limits.measure, 5),
    Subject("large", "Large values", large_values.measure, 5),
    Subject("neighbours", "Small reads beside a stream", neighbours.measure, 2),
    Subject("forwarding", "Keys that are owned elsewhere", forwarding.measure, 4),
    Subject("copies", "Keys with copies", copies.measure, 4),
    Subject("paused", "A peer that stands still", paused_peer.measure, 1),
    Subject("connections", "Idle connections", connections.measure, 3),
    Subject("hits", "Hit ratios", hit_ratios.measure, 5),
)
