"""The target `session`: a node with native sessions and store beside one with neither."""

from __future__ import annotations

import logging
from random import Random

from ..two_nodes import Arrival, TwoNodes
from .byte_random import ByteRandom
from .requests import KEYS, draw_arrivals

Case = list[Arrival]


class SessionTarget:
    """See `Target`. A case is what arrives from a client, at nodes that hold nothing before."""

    def __init__(self) -> None:
        # Clients that break the protocol, and clocks that jump, are nothing to write about.
        logging.getLogger("memcloud").setLevel(logging.CRITICAL)
        self._nodes = TwoNodes()

    def draw(self, random: Random) -> Case:
        """Return what arrives."""
        return draw_arrivals(random)

    def decode(self, data: bytes) -> Case:
        """Return what is drawn if these bytes are what chance says."""
        return draw_arrivals(ByteRandom(data))

    def check(self, case: Case) -> float:
        """Let it arrive at both."""
        return self._nodes.compare(case, KEYS)
