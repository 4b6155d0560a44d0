"""The target `calls`: a native member of a cluster beside a readable one, both between a client
and another member, which may send anything as calls, results or something else.
"""

from __future__ import annotations

import logging
from random import Random
from typing import Final

from memcloud.link.batch import DONE, NOT_OWNER, Record, encode_batch
from memcloud.link.frames import Kind

from ..two_members import PeerArrival, TwoMembers
from ..two_nodes import Arrival
from .byte_random import ByteRandom
from .requests import KEYS, draw_hot, draw_other
from .streams import draw_stream, mutate, pieces_of

Case = list[Arrival]

_WORDS: Final = [0] * 12 + [1, 2, 0x100, 0x100, 0x101, 0x200, 0x300, 0x1FF]
# With these a link is broken off, so they are few.
_BAD_WORDS: Final = [0x400, 0x800, 2**16, 2**31, 2**32 - 1]
_BAD_STATUSES: Final = [2, 256, 2**32 - 1]
_REPLIES: Final = [
    b"+OK\r\n", b":1\r\n", b"$-1\r\n", b"_\r\n", b"$1\r\nv\r\n", b"*1\r\n$1\r\nv\r\n", b"*0\r\n",
    b"-ERR x\r\n", b"", b"$5\r\nv", b"x", b":1\r\n:2\r\n",
]  # fmt: skip
_LARGE_REPLY: Final = b"$70000\r\n" + b"v" * 70_000 + b"\r\n"
# Below a second altogether, so that the other member is not given up.
_PAUSES_MS: Final = [0] * 12 + [1, 5, 50, 100]


def _request(random: Random) -> bytes:
    """Return a whole command mostly; anything else breaks the link off."""
    chance = random.random()
    if chance < 0.88:
        return draw_hot(random)
    if chance < 0.985:
        return draw_other(random)
    if chance < 0.99:
        return draw_hot(random) + draw_hot(random)
    return draw_stream(random)


def _number(random: Random, usual: list[int], bad: list[int]) -> int:
    return random.choice(bad if random.random() < 0.005 else usual)


def _calls(random: Random) -> list[Record]:
    return [
        (
            random.choice((number, random.getrandbits(32))),
            _number(random, _WORDS, _BAD_WORDS),
            _request(random),
        )
        for number in range(random.randrange(1, 8))
    ]


def _result(random: Random) -> Record:
    status = _number(random, [DONE] * 8 + [NOT_OWNER], _BAD_STATUSES)
    reply = random.choice(_REPLIES)
    chance = random.random()
    if status == NOT_OWNER and chance < 0.98:
        reply = b""
    elif chance < 0.01:
        reply = _LARGE_REPLY
    return random.randrange(1, 7), status, reply


def _frame(random: Random, *, is_outgoing: bool) -> bytes:
    if is_outgoing:
        kind, records = Kind.RESULTS, [_result(random) for _ in range(random.randrange(1, 6))]
    else:
        kind, records = Kind.CALLS, _calls(random)
    frame = b"".join(encode_batch(kind, records))
    return mutate(random, frame) if random.random() < 0.04 else frame


def _client(random: Random) -> bytes:
    """Return some commands, of which some are for the other member."""
    return b"".join(
        draw_other(random) if random.random() < 0.1 else draw_hot(random)
        for _ in range(random.randrange(1, 6))
    )


def _cut(random: Random, data: bytes) -> list[bytes]:
    if random.random() < 0.75:
        return [data]
    return pieces_of(data, sorted(random.randrange(len(data) + 1) for _ in range(2)))


def _draw(random: Random) -> Case:
    arrivals: Case = []
    for _ in range(random.randrange(1, 6)):
        pause_ms = random.choice(_PAUSES_MS)
        if random.random() < 0.4:
            arrivals += [Arrival(each, pause_ms) for each in _cut(random, _client(random))]
            continue
        is_outgoing = random.random() < 0.5
        pieces = _cut(random, _frame(random, is_outgoing=is_outgoing))
        arrivals += [PeerArrival(piece, pause_ms, is_outgoing) for piece in pieces]
    return arrivals


class CallsTarget:
    """See `Target`. A case is what arrives from a client and from another member."""

    def __init__(self) -> None:
        logging.getLogger("memcloud").setLevel(logging.CRITICAL)
        self._members = TwoMembers()

    def draw(self, random: Random) -> Case:
        """Return what arrives."""
        return _draw(random)

    def decode(self, data: bytes) -> Case:
        """Return what is drawn if these bytes are what chance says."""
        return _draw(ByteRandom(data))

    def check(self, case: Case) -> float:
        """Let it arrive at both."""
        return self._members.compare(case, KEYS)
