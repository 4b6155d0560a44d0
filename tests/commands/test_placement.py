"""PEER RING, WHERE, EVENTS and LEAVE, on one node and on simulated clusters."""

from __future__ import annotations

from typing import Any

import pytest

from memcloud.effects import Leave
from memcloud.resp import ErrorReply
from memcloud.ring import SLOTS, key_slot
from memcloud.store import Policy
from tests.sim.checks import ask
from tests.sim.simulation import Simulation
from tests.sim.test_copies import assert_filled, fill, pool, stop

from .support import LocalNode
from .test_info import info

KEYS = [f"k{n}" for n in range(200)]


def mapped(reply: object) -> dict[bytes, Any]:
    """Return a map as RESP2 has it, names and values in turn, as one."""
    assert isinstance(reply, list)
    return dict(zip(reply[::2], reply[1::2], strict=True))


def ring_of(simulation: Simulation, name: str) -> dict[bytes, Any]:
    """Return what a node says of the ring."""
    ring = mapped(ask(simulation, name, "PEER", "RING"))
    ring[b"members"] = [mapped(member) for member in ring[b"members"]]
    ring[b"moves"] = [mapped(move) for move in ring[b"moves"]]
    return ring


def key_led_by(simulation: Simulation, name: str) -> str:
    """Return a key that a node is the primary of."""
    owners = simulation.nodes[name].node.membership.owners
    me = simulation.nodes[name].node.membership.me.id
    return next(key for key in KEYS if owners[key_slot(key.encode())] == me)


def test_a_node_by_itself_holds_the_whole_ring() -> None:
    """With nothing to move."""
    node = LocalNode()
    ring = node.run("PEER", "RING", protocol=3)
    (member,) = ring[b"members"]
    assert (member[b"name"], member[b"state"]) == (b"node", b"self")
    assert (member[b"primaries"], member[b"backups"]) == (SLOTS, 0)
    assert (member[b"share"], member[b"target_share"]) == (1.0, 1.0)
    assert (ring[b"epoch"], ring[b"has_lease"], ring[b"slots_left"]) == (1, 1, 0)
    assert (ring[b"moves"], ring[b"attempts"], ring[b"refused"]) == ([], [], [])


def test_the_ring_counts_primaries_and_backups() -> None:
    """Each slot has one primary and, with two replicas, one backup."""
    simulation = pool(1, 3, 2)
    ring = ring_of(simulation, "n2")
    assert {member[b"name"] for member in ring[b"members"]} == {b"n1", b"n2", b"n3"}
    assert sum(member[b"primaries"] for member in ring[b"members"]) == SLOTS
    assert sum(member[b"backups"] for member in ring[b"members"]) == SLOTS
    assert ring[b"replicas"] == 2
    assert ring[b"slots_left"] == ring[b"short_of_copies"] == 0


def test_the_ring_tells_what_is_left_to_move() -> None:
    """While a member that has just joined waits for its slots."""
    simulation = pool(2, 2, 1)
    simulation.start("n3", join="n1")
    core = simulation.nodes["n1"].node.clustering.core
    simulation.run_until(lambda: core.table is not None and len(core.table.members) == 3)
    ring = ring_of(simulation, "n1")
    assert ring[b"slots_left"] > 0
    assert ring[b"slots_at_start"] >= ring[b"slots_left"]
    assert sum(move[b"slots"] for move in ring[b"moves"]) == ring[b"slots_left"]


def test_where_names_the_primary_and_the_backups_of_a_key() -> None:
    """The same through each node."""
    simulation = pool(3, 3, 2)
    key = key_led_by(simulation, "n3")
    places = [mapped(ask(simulation, name, "PEER", "WHERE", key)) for name in ("n1", "n2", "n3")]
    assert places[0] == places[1] == places[2]
    assert places[0][b"slot"] == key_slot(key.encode())
    assert places[0][b"primary"] == b"n3"
    assert places[0][b"backups"] in ([b"n1"], [b"n2"])
    assert (places[0][b"state"], places[0][b"why"]) == (b"served", b"")


def test_where_says_why_a_key_is_not_served() -> None:
    """Its primary is silent; then another one waits for its lease to be over."""
    simulation = pool(4, 3, 2)
    key = key_led_by(simulation, "n3")
    simulation.pause("n3")
    simulation.run(1000)
    place = mapped(ask(simulation, "n1", "PEER", "WHERE", key))
    assert (place[b"state"], place[b"primary"]) == (b"unknown", b"n3")
    core = simulation.nodes["n1"].node.clustering.core
    simulation.run_until(lambda: core.table is not None and len(core.table.members) == 2)
    simulation.run(20)
    place = mapped(ask(simulation, "n1", "PEER", "WHERE", key))
    assert place[b"state"] == b"held"
    assert b"the primary before may serve it" in place[b"why"]


def test_a_node_without_a_quorum_says_so() -> None:
    """To Redis' tools and to ours."""
    simulation = pool(5, 3, 1, isolated="refuse")  # type: ignore[arg-type]
    simulation.cut |= {frozenset(("n1", "n3")), frozenset(("n2", "n3"))}
    simulation.run(4000)
    cluster = ask(simulation, "n3", "CLUSTER", "INFO")
    assert isinstance(cluster, bytes)
    fields = dict(line.split(":") for line in cluster.decode().split())
    assert fields["cluster_state"] == "fail"
    states = [int(fields[f"cluster_slots_{state}"]) for state in ("ok", "pfail", "fail")]
    assert states[0] == 0
    assert sum(states) == SLOTS
    key = key_led_by(simulation, "n3")
    place = mapped(ask(simulation, "n3", "PEER", "WHERE", key))
    assert place[b"why"] == b"no quorum of the members answers its primary"
    text = ask(simulation, "n3", "INFO", "memcloud")
    assert isinstance(text, bytes)
    assert b"has_lease:0\r\nleaving:0\r\nsuspects:2\r\n" in text


def test_a_node_that_is_told_to_leave_gives_its_keys_away_and_stops() -> None:
    """It says how many slots there are, and the others see it leave."""
    simulation = pool(6, 3, 1)
    fill(simulation, KEYS)
    leaver = simulation.nodes["n3"]
    held = len(leaver.node.clustering.core.serving.held)
    assert ask(simulation, "n3", "PEER", "LEAVE") == held
    simulation.run_until(lambda: leaver.has_left, 30_000)
    stop(simulation, "n3")
    simulation.settle()
    assert_filled(simulation, "n2", KEYS)


def test_leaving_shows_among_the_peers() -> None:
    """A node without enough room elsewhere stays on the way; so that can be seen."""
    simulation = pool(7, 3, 1)
    simulation.event(simulation.nodes["n3"], simulation.nodes["n3"].node.clustering.leave)
    core = simulation.nodes["n1"].node.clustering
    simulation.run_until(lambda: bool(core.leaving))
    peers = ask(simulation, "n1", "PEERS")
    assert isinstance(peers, list)
    assert {peer[b"name"]: peer[b"state"] for peer in map(mapped, peers)} == {
        b"n1": b"self",
        b"n2": b"alive",
        b"n3": b"leaving",
    }


def test_leaving_is_refused_with_numbers_if_the_others_have_no_room() -> None:
    """And nothing has changed then; FORCE leaves all the same."""
    simulation = pool(8, 2, 1)
    fill(simulation, KEYS)
    ask(simulation, "n1", "SET", key_led_by(simulation, "n2"), "v" * 3_000_000)
    other = simulation.nodes["n1"].node
    other.store.policy = Policy.NOEVICTION
    other.store.limit_bytes = other.store.used_bytes + 1000
    simulation.run(1000)
    refused = ask(simulation, "n2", "PEER", "LEAVE")
    assert isinstance(refused, ErrorReply)
    assert refused.text.startswith("NOROOM the other members have no room for what this node holds")
    assert refused.text.endswith(", they have 1000")
    assert not simulation.nodes["n2"].node.clustering.is_leaving
    assert isinstance(ask(simulation, "n2", "PEER", "LEAVE", "FORCE"), int)
    assert simulation.nodes["n2"].has_left


def test_the_last_node_leaves_only_by_force_unless_it_is_empty() -> None:
    """There is nobody to give its keys to."""
    node = LocalNode()
    node.run("SET", "k", "v")
    refused = node.run("PEER", "LEAVE")
    assert isinstance(refused, ErrorReply)
    assert refused.text.startswith("NOROOM there is no other member")
    node.run("DEL", "k")
    node.node.clients.received(1, b"PEER LEAVE\r\n")
    assert Leave() in node.node.take_effects()


@pytest.mark.parametrize(
    "args", [("LEAVE", "NOW"), ("LEAVE", "FORCE", "FORCE"), ("EVENTS", "1", "2")]
)
def test_what_cannot_be_meant_is_refused(args: tuple[str, ...]) -> None:
    """Nobody leaves by a slip."""
    assert LocalNode().run("PEER", *args) == ErrorReply("ERR syntax error")


def test_events_are_listed_from_a_number_on() -> None:
    """So that a reader gets each of them once."""
    node = LocalNode()
    (event,) = node.run("PEER", "EVENTS", protocol=3)
    assert event[b"number"] == 1
    assert event[b"kind"] == b"founded"
    assert event[b"text"] == b"node has founded a cluster at epoch 1"
    assert event[b"time_ms"] == node.clock.unix_ms()
    assert node.run("PEER", "EVENTS", "1") == []
    assert isinstance(node.run("PEER", "EVENTS", "x"), ErrorReply)


def test_info_tells_of_the_part_that_the_node_has() -> None:
    """In the section that no Redis has."""
    fields = info(LocalNode(), "memcloud")
    assert fields["replicas"] == "1"
    assert fields["isolated"] == "auto"
    assert fields["has_lease"] == "1"
    assert fields["suspects"] == fields["moves_done"] == fields["moves_aborted"] == "0"
    assert fields["slots_backed_up"] == "0"
    assert len(fields["cluster_id"].partition("-")[2]) == 16
