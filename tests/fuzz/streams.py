"""Streams of requests from a grammar, with mistakes. Fast: some ten microseconds each.

Most are nearly right, so that what stands behind the first check is reached as well.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from ..resp.support import command

LARGE_BYTES: Final = 65536
"""From here on the native parser receives an argument in its final place."""

_SCRAPS: Final = [
    b"\r\n", b"\r", b"\n", b"\0", b"*", b"$", b"-", b"+", b" ", b"'", b'"', b"\\", b"\\x41", b"\t",
    b"\v", b"\f", b"*0\r\n", b"*-1\r\n", b"*1\r\n", b"*2\r\n", b"*3\r\n", b"$0\r\n", b"$-1\r\n",
    b"$4\r\n", b"$17\r\n", b"*11\r\n", b"$16385\r\n", b"PING\r\n", b"*1\r\n$4\r\nPING\r\n", b"\xff",
    b"*1\rX$4\r*PING$$", b"*1048576\r\n", b"*1048577\r\n", b"$536870912\r\n", b"$536870913\r\n",
]  # fmt: skip
_NUMBERS: Final = [
    -(2**63) - 1, -(2**63), -(2**31), -10, -1, 0, 1, 9, 10, 11, 1023, 1024, 1025, 16384, 16385,
    65535, 65536, 65537, 2**20, 2**20 + 1, 2**29, 2**29 + 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64,
    10**18, 10**19, 10**20,
]  # fmt: skip
_WORDS: Final = [b"GET", b"SET", b"k", b"", b"value", b"12", b"a b", b"\r\n", b"$3\r\nfoo\r\n"]
_INLINE: Final = b" \t\"'\\xnrtba041Gk\v\f\0\r"


def _argument(random: Random) -> bytes:
    kind = random.randrange(12)
    if kind < 8:
        return random.choice(_WORDS)
    if kind < 11:
        return random.randbytes(random.randrange(40))
    return b"v" * random.choice((127, 1023, 1024, 1025, 4096))


def _usual(random: Random) -> bytes:
    return command(*[_argument(random) for _ in range(random.randrange(1, 5))])


def _inline(random: Random) -> bytes:
    line = bytes(random.choice(_INLINE) for _ in range(random.randrange(24)))
    return line + random.choice((b"\n", b"\r\n"))


def _header(random: Random) -> bytes:
    number = random.choice(_NUMBERS) if random.random() < 0.5 else random.randrange(-3, 40)
    text = b"%d" % number
    if random.random() < 0.1:
        text = random.choice((b"0", b"+", b"-", b" ", b"")) + text
    return random.choice((b"*", b"$")) + text + random.choice((b"\r\n", b"\r\n", b"\r", b"\n"))


def _scrap(random: Random) -> bytes:
    return random.choice(_SCRAPS)


def _noise(random: Random) -> bytes:
    return random.randbytes(random.randrange(1, 9))


_FRAGMENTS: Final[list[Callable[[Random], bytes]]] = [
    _usual, _usual, _usual, _usual, _inline, _header, _header, _scrap, _scrap, _noise,
]  # fmt: skip


def _large(random: Random) -> bytes:
    """A command with an argument that is received in its final place, maybe not all of it."""
    length = LARGE_BYTES + random.choice((-1, 0, 1, 2, 5000, random.randrange(2 * LARGE_BYTES)))
    whole = command(b"SET", b"k", b"v" * length)
    return whole[: random.randrange(len(whole))] if random.random() < 0.2 else whole


def _long_line(random: Random) -> bytes:
    """Around the longest line."""
    start = random.choice((b"", b"*", b"*1\r\n$", b"\0", b"GET "))
    return start + b"1" * random.randrange(65520, 65545) + random.choice((b"", b"\r\n", b"\n"))


def mutate(random: Random, stream: bytes) -> bytes:
    """Return the stream with a few bytes lost, doubled, changed or moved."""
    mutated = bytearray(stream)
    for _ in range(random.randrange(1, 4)):
        place = random.randrange(len(mutated) + 1)
        size = random.choice((1, 1, 1, 2, 5))
        kind = random.randrange(4)
        if kind == 0:
            del mutated[place : place + size]
        elif kind == 1:
            mutated[place:place] = random.choice(_SCRAPS)
        elif kind == 2:
            mutated[place : place + size] = random.randbytes(size)
        else:
            mutated[place:place] = mutated[place : place + 3 * size]
    return bytes(mutated)


def draw_stream(random: Random) -> bytes:
    """Return a stream, of about a hundred bytes mostly and a MiB at most."""
    parts = [random.choice(_FRAGMENTS)(random) for _ in range(random.randrange(1, 9))]
    chance = random.random()
    if chance < 0.01:
        parts.insert(random.randrange(len(parts)), _large(random))
    elif chance < 0.013:
        parts.insert(random.randrange(len(parts)), _long_line(random))
    stream = b"".join(parts)
    return mutate(random, stream) if random.random() < 0.3 else stream


def draw_cuts(random: Random, size: int) -> list[int]:
    """Return where a stream of this size is cut, ascending."""
    kind = random.randrange(8)
    if kind < 2 or size < 2:
        return []
    if kind == 2 and size <= 400:
        return list(range(1, size))
    return sorted(random.randrange(size) for _ in range(random.randrange(1, 7)))


def pieces_of(stream: bytes, cuts: list[int]) -> list[bytes]:
    """Return the stream in pieces, cut at these places, which ascend."""
    ends = zip([0, *cuts], [*cuts, len(stream)], strict=True)
    return [stream[start:end] for start, end in ends]
