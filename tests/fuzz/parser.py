"""The target `parser`: the native parser beside the readable one."""

from __future__ import annotations

from random import Random
from typing import Final

from memcloud.resp import Limits

from ..resp.side_by_side import WAYS, Step, compare
from .streams import draw_cuts, draw_stream, pieces_of

Case = list[Step]

# Lines of less than 24 bytes would be shorter than headers that the plain parser reads at a glance.
_LIMITS: Final = [
    Limits(),
    Limits(bulk_bytes_max=16384, arguments_max=10),
    Limits(bulk_bytes_max=16, arguments_max=3, inline_bytes_max=24),
    Limits(bulk_bytes_max=70_000, arguments_max=1024, inline_bytes_max=64),
    Limits(bulk_bytes_max=2**63 - 1, arguments_max=2**63 - 1),
]


def _draw_step(random: Random, piece: bytes, way: str | None) -> Step:
    takes = random.randrange(3) if random.random() < 0.2 else None
    limits = random.choice(_LIMITS) if random.random() < 0.03 else None
    return Step(piece, way or random.choice(WAYS), takes, limits)


class ParserTarget:
    """See `Target`. A case is a list of steps."""

    def draw(self, random: Random) -> Case:
        """Return some steps; the way in which bytes arrive changes now and then."""
        stream = draw_stream(random)
        way = None if random.random() < 0.3 else random.choice(WAYS)
        cuts = draw_cuts(random, len(stream))
        steps = [_draw_step(random, piece, way) for piece in pieces_of(stream, cuts)]
        if random.random() < 0.3:
            steps.insert(0, Step(b"", limits=random.choice(_LIMITS)))
        # Whatever was left to take.
        return [*steps, Step(b"")]

    def decode(self, data: bytes) -> Case:
        """Return the steps that bytes stand for: limits, way, cuts, stream."""
        choices, stream = data[:4].ljust(4, b"\0"), data[4:]
        limits = _LIMITS[choices[0] % len(_LIMITS)]
        way = WAYS[choices[1] % len(WAYS)]
        cuts = sorted(place % (len(stream) + 1) for place in choices[2:])
        steps = [Step(piece, way) for piece in pieces_of(stream, cuts)]
        return [Step(b"", limits=limits), *steps]

    def check(self, case: Case) -> float:
        """Let both parsers take the steps."""
        return compare(case)
