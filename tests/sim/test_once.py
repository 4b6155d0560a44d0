"""Writes that are sent again because their owner went away, and are run once all the same."""

from __future__ import annotations

import pytest

from memcloud.link.frames import LinkError

from .checks import ask
from .simulation import Simulation
from .test_cluster import key_of
from .test_copies import pool


@pytest.fixture
def trio() -> Simulation:
    """Return three nodes with a copy of each key."""
    return pool(1, 3, 2)


def _send(simulation: Simulation, name: str, *words: str) -> int:
    client = simulation.connect_client(name)
    body = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    simulation.send(name, client, f"*{len(words)}\r\n{body}".encode())
    return client


@pytest.mark.parametrize("delay_ms", [0, 2, 4, 6, 8, 10, 14, 20])
def test_a_write_on_its_way_when_its_owner_is_killed_has_an_outcome(
    trio: Simulation, delay_ms: int
) -> None:
    """It has happened once, whether the owner had run it or not."""
    key = key_of(trio, "n2")
    ask(trio, "n1", "SET", key, "10")
    client = _send(trio, "n1", "INCR", key)
    trio.run(delay_ms)
    trio.crash("n2")
    trio.run_until(lambda: client in trio.nodes["n1"].replies)
    assert trio.nodes["n1"].replies[client] == b":11\r\n"
    assert ask(trio, "n3", "GET", key) == b"11"


def test_a_write_whose_link_breaks_runs_once(trio: Simulation) -> None:
    """The owner is there, and knows the number."""
    key = key_of(trio, "n2")
    ask(trio, "n1", "SET", key, "10")
    node = trio.nodes["n1"].node
    for delay_ms in (1, 3, 5, 7, 9):
        client = _send(trio, "n1", "APPEND", key, "x")
        trio.run(delay_ms)
        link = node.mesh.link_to(trio.nodes["n2"].node.membership.me.id)
        if link is not None:
            node.mesh.break_off(link, LinkError("a reset"))
        trio.run_until(lambda client=client: client in trio.nodes["n1"].replies)  # type: ignore[misc]
    assert ask(trio, "n3", "GET", key) == b"10xxxxx"


def test_without_copies_the_outcome_is_unknown(request: pytest.FixtureRequest) -> None:
    """What the slot remembered is gone with its keys."""
    pair = pool(1, 2, 1)
    key = key_of(pair, "n2")
    client = _send(pair, "n1", "INCR", key)
    pair.crash("n2")
    pair.run_until(lambda: client in pair.nodes["n1"].replies, 15_000)
    assert pair.nodes["n1"].replies[client].startswith((b"-UNKNOWN", b":1\r\n"))
