"""All 16384 slots, placed as a real node does it."""

from __future__ import annotations

import pytest

from memcloud.protocol.settings import CHUNK_BYTES
from memcloud.ring import SLOTS
from memcloud.targets import ring_targets

from .test_directed import tell
from .world import World


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_first_balance_takes_less_than_two_seconds(replicas: int) -> None:
    """Two come to one that has little; it is the first thing that people see of a cluster."""
    world = World(5, devices=3, replicas=replicas, slots=SLOTS, targets=ring_targets)
    world.chunk_bytes = CHUNK_BYTES
    world.start("a")
    assert world.run_until(world.is_settled, 5000)
    written = range(0, SLOTS, 500)
    for slot in written:
        tell(world, "a", slot, f"SET k{slot} v{slot}")
    world.start("b")
    world.start("c")
    world.run(300)
    assert world.run_until(world.is_settled, 1700), world.describe()
    assert [tell(world, "c", slot, f"GET k{slot}") for slot in written] == [
        f"v{slot}" for slot in written
    ]
    world.run(2000)
    world.check_quiet()
    assert not world.violations
