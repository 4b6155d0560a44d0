"""What a target of the fuzzer is."""

from __future__ import annotations

from random import Random
from typing import Any, Protocol


class Target(Protocol):
    """Two forms of one thing, and inputs for them.

    A case is whatever the target likes, as long as its ``repr`` shows all of it.
    """

    def draw(self, random: Random) -> Any:
        """Return a case that depends on ``random`` alone."""

    def decode(self, data: bytes) -> Any:
        """Return the case that these bytes stand for, any bytes, for a fuzzer that invents them."""

    def check(self, case: Any) -> float:
        """Return how many seconds of CPU the native form took. Fails on a difference."""
