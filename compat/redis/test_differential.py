"""Every script, and random commands, on a memnode and on a real redis-server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memnode_process import MemnodeCluster, MemnodeProcess
from tests.redis_server import RedisServer

from .grammar import IN_ONE_SLOT, KEYS, random_steps
from .running import pair_of
from .script import CASES, read_script

RANDOM_STEPS = 10_000
SEEDS = (1, 2, 3, 4)
"""Fixed, so that a failure is the change's and not the day's; MEMCLOUD_SEED=n tries another."""

SEED = os.environ.get("MEMCLOUD_SEED")


@pytest.fixture(scope="module")
def our_port() -> Iterator[int]:
    """A memnode alone, with the default of Redis for full memory."""
    with MemnodeProcess("--no-mdns", "--policy", "noeviction") as node:
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
@pytest.mark.parametrize("seed", [int(SEED)] if SEED else SEEDS)
def test_random_commands_are_answered_as_redis_does(
    seed: int, protocol: int, our_port: int, their_port: int
) -> None:
    """What nobody thought of: any options, any garbage, in any order, on a few keys."""
    steps = random_steps(seed, RANDOM_STEPS)
    with pair_of(our_port, their_port, protocol) as pair:
        first = next(pair.differences_in_batches(steps), None)
    assert first is None, f"MEMCLOUD_SEED={seed}: {first}"


@pytest.fixture(scope="module")
def gateway_port() -> Iterator[int]:
    """A memnode of three, which has to ask the others for most keys."""
    with MemnodeCluster(3, use_mdns=False) as cluster:
        yield cluster.nodes[0].port


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("tag", [b"{one}", b"{two}", b"{three}", b"{four}"])
def test_a_pool_answers_as_one_redis_does(
    tag: bytes, protocol: int, gateway_port: int, their_port: int
) -> None:
    """Where a key lives must not show; in one slot, so that all commands work."""
    steps = random_steps(1, RANDOM_STEPS // 2, [tag + key for key in KEYS], broken_percent=0)
    with pair_of(gateway_port, their_port, protocol) as pair:
        first = next(pair.differences_in_batches(steps), None)
    assert first is None, first


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_keys_of_many_owners_are_answered_as_by_one_redis(
    seed: int, protocol: int, gateway_port: int, their_port: int
) -> None:
    """In the order of the commands, whoever answers first."""
    steps = random_steps(seed, RANDOM_STEPS // 2, without=IN_ONE_SLOT)
    with pair_of(gateway_port, their_port, protocol) as pair:
        first = next(pair.differences_in_batches(steps), None)
    assert first is None, first
