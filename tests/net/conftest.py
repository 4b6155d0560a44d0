"""One pool of three nodes for the tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.memnode_process import MemnodeCluster, MemnodeProcess


@pytest.fixture(scope="session")
def pool() -> Iterator[MemnodeCluster]:
    """Three nodes that found each other by mDNS on the loopback interface."""
    with MemnodeCluster(3) as cluster:
        yield cluster


@pytest.fixture
def nodes(pool: MemnodeCluster) -> list[MemnodeProcess]:
    """The nodes of the pool, which is empty at first."""
    with pool.nodes[0].client() as client:
        client.flushall()
    return pool.nodes


@pytest.fixture
def node() -> Iterator[MemnodeProcess]:
    """A node by itself."""
    with MemnodeProcess("--no-mdns") as process:
        yield process
