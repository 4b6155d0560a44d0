"""What the command line says of all subjects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How thoroughly to measure."""

    rounds: int = 3
    large: bool = False
