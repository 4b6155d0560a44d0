"""Chance that is written down, so that a fuzzer that invents bytes chooses what is drawn."""

from __future__ import annotations

from random import Random


class ByteRandom(Random):
    """Draws from given bytes, and zeros behind them."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = data
        self._position = 0

    def getrandbits(self, k: int, /) -> int:
        """Return so many bits, of as many bytes as they take."""
        size = -(-k // 8)
        taken = self._data[self._position : self._position + size]
        self._position += size
        return int.from_bytes(taken, "little") & ((1 << k) - 1)

    def random(self) -> float:
        """Return one of 256 numbers, evenly spaced."""
        return self.getrandbits(8) / 256
