"""Sequences of keys to replay: what caches meet, boiled down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from random import Random

KEYS = 35_000
REQUESTS = 100_000
_SEED = 1


def traces(entries: int) -> Mapping[str, list[bytes]]:
    """Return the traces by name, for a cache of so many entries; each time the same."""
    return {
        **{f"Zipf {alpha}": list(_zipf(alpha)) for alpha in (0.7, 0.8, 0.9, 1.0, 1.1)},
        "Zipf 0.9 and scans": list(_with_scans(entries)),
        "loop of 1.2x the memory": list(_loop(entries * 6 // 5)),
    }


def _zipf(alpha: float) -> Iterator[bytes]:
    """Yield keys of which the nth most popular is asked for in proportion to 1 / n ** alpha."""
    weights = list(accumulate(1 / rank**alpha for rank in range(1, KEYS + 1)))
    for rank in Random(_SEED).choices(range(KEYS), cum_weights=weights, k=REQUESTS):
        yield b"key:%d" % rank


def _with_scans(entries: int) -> Iterator[bytes]:
    """Yield Zipf, and at times as many new keys as the cache has, one after each of them."""
    for number, key in enumerate(_zipf(0.9)):
        yield key
        if number % (3 * entries) < entries:
            yield b"scan:%d" % number


def _loop(length: int) -> Iterator[bytes]:
    """Yield the same keys in the same order again and again."""
    for number in range(REQUESTS):
        yield b"loop:%d" % (number % length)
