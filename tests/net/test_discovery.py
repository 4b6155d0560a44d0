"""mDNS: any name can be announced, and a crowd of announcements hides nobody."""

from __future__ import annotations

import asyncio

import pytest
from zeroconf import ServiceStateChange, Zeroconf

from memcloud.net.discovery import (
    RESOLVES_MAX,
    SERVICE_TYPE,
    WAITING_MAX,
    Discovery,
    label_of,
)
from memcloud.settings import Settings
from tests.memnode_process import MemnodeCluster, MemnodeProcess, wait_for

LONGEST = ("é" * 31, "日本" * 10, "x" * 63, "x" * 49 + "é" * 7, "\U0001f600" * 15)
"""Names of nodes of 60 to 63 bytes, which is the limit."""


@pytest.mark.parametrize("name", [*LONGEST, "n1", "dots.in.it", "..", "a b", "'\"\\"])
def test_every_name_of_a_node_makes_a_label(name: str) -> None:
    """A label of more than 63 bytes, or with a dot in it, cannot be announced."""
    label = label_of(name, "0123456789" * 4)
    assert len(label.encode()) <= 63
    assert "." not in label
    assert label.endswith("-01234567")


def test_nodes_with_the_longest_names_find_each_other() -> None:
    """Neither of them could before, and so they were two caches."""
    with MemnodeCluster(1) as cluster:
        elder = cluster.nodes[0]
        group = elder.client().info("memcloud")["cluster_name"]
        nodes = [MemnodeProcess("--cluster", group, name=name) for name in LONGEST[:2]]
        elder.stop()
        with nodes[0], nodes[1]:
            wait_for(
                lambda: all(node.members() == set(LONGEST[:2]) for node in nodes),
                "they have found each other",
            )
            assert "does not announce" not in nodes[0].log + nodes[1].log


class Resolves:
    """Takes the place of the questions to the network: they end when a test says so."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.answered = asyncio.Event()

    async def resolve(self, zeroconf: Zeroconf | None, name: str) -> None:
        """Wait for an answer."""
        self.names.append(name)
        await self.answered.wait()


async def announce(announced: list[str]) -> list[str]:
    """Announce services and return the order in which they are looked into."""
    discovery = Discovery(Settings("n"), "0" * 40, lambda host, port: None)
    resolves = Resolves()
    discovery._resolve = resolves.resolve  # type: ignore[method-assign]
    for name in announced:
        discovery._changed(None, SERVICE_TYPE, name, ServiceStateChange.Added)  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert resolves.names == announced[:RESOLVES_MAX]
    resolves.answered.set()
    while discovery._tasks:
        await asyncio.wait(discovery._tasks, timeout=60)
    return resolves.names


def test_who_is_announced_amid_a_crowd_is_looked_into_in_turn() -> None:
    """An announcement comes once: what is not looked into then may never be."""
    names = [str(number) for number in range(100)]
    assert asyncio.run(announce(names)) == names


def test_the_queue_of_announcements_has_an_end() -> None:
    """Strangers can make any number of them."""
    names = [str(number) for number in range(5000)]
    assert asyncio.run(announce(names)) == names[: RESOLVES_MAX + WAITING_MAX]
