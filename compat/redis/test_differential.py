"""Every script, and random commands, on a memnode and on a real redis-server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memnode_process import MemnodeProcess
from tests.redis_server import RedisServer

from .grammar import random_steps
from .running import pair_of
from .script import CASES, read_script

RANDOM_STEPS = 4000
SEEDS = (1, 2, 3)
"""Fixed, so that a failure is the change's and not the day's; MEMCLOUD_SEED tries another."""


@pytest.fixture(scope="module")
def our_port() -> Iterator[int]:
    """A memnode alone."""
    with MemnodeProcess("--no-mdns") as node:
        yield node.port


@pytest.fixture(scope="module")
def their_port() -> Iterator[int]:
    """A redis-server with as much memory."""
    with RedisServer(["--maxmemory", "256mb"]) as server:
        yield server.port


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("path", sorted(CASES.glob("*.txt")), ids=lambda path: path.stem)
def test_a_script_is_answered_as_redis_does(
    path: Path, protocol: int, our_port: int, their_port: int
) -> None:
    """Clients are written against Redis, and know its replies to the letter."""
    with pair_of(our_port, their_port, protocol) as pair:
        differences = list(pair.differences(read_script(path)))
    assert not differences, "\n".join(differences)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(
    "seed", [int(os.environ["MEMCLOUD_SEED"])] if "MEMCLOUD_SEED" in os.environ else SEEDS
)
def test_random_commands_are_answered_as_redis_does(
    seed: int, protocol: int, our_port: int, their_port: int
) -> None:
    """What nobody thought of: any options, any garbage, in any order, on a few keys."""
    steps = random_steps(seed, RANDOM_STEPS)
    with pair_of(our_port, their_port, protocol) as pair:
        first = next(pair.differences_in_batches(steps), None)
    assert first is None, f"MEMCLOUD_SEED={seed}: {first}"
