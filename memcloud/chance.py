"""Where randomness comes from: handed in, so that a seed replays everything."""

from __future__ import annotations

from typing import Protocol


class Random(Protocol):
    """The part of `random.Random` that the core uses."""

    def randrange(self, stop: int, /) -> int:
        """Return a number from 0 to ``stop - 1``."""
        ...

    def getrandbits(self, bits: int, /) -> int:
        """Return a number of at most ``bits`` bits."""
        ...

    def random(self) -> float:
        """Return a number from 0.0 to below 1.0."""
        ...
