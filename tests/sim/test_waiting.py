"""What waits in a node for others is bounded, and says so."""

from __future__ import annotations

from memcloud.cluster.forwarding import TURN_BYTES
from memcloud.replies import WAITING_BYTES_MAX, WAITING_FIRST

from .test_cluster import cluster, count_replies, id_of, key_of


def test_large_writes_to_a_silent_member_wait_with_their_client() -> None:
    """Their number says little of the memory that they take in the node between."""
    simulation = cluster(19, size=2)
    key = key_of(simulation, "n2")
    simulation.pause("n2")
    client = simulation.connect_client("n1")
    size_bytes = WAITING_BYTES_MAX // 4
    body = f"*3\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n${size_bytes}\r\n".encode()
    simulation.send("n1", client, (body + b"x" * size_bytes + b"\r\n") * 20)
    assert simulation.nodes["n1"].node.forwarding.in_flight == 4
    simulation.resume("n2")
    simulation.run_until(lambda: simulation.nodes["n1"].replies.get(client) == b"+OK\r\n" * 20)


def test_large_replies_are_asked_for_as_they_are_read() -> None:
    """What a client has coming from others is bounded, also when it reads nothing of it."""
    simulation = cluster(20, size=2)
    key = key_of(simulation, "n2")
    simulation.command("n1", "SET", key, "x" * (WAITING_BYTES_MAX // 2))
    node = simulation.nodes["n1"].node
    client = simulation.connect_client("n1")
    simulation.send("n1", client, f"GET {key}\r\n".encode() * 50)
    assert node.forwarding.in_flight == WAITING_FIRST
    simulation.run_until(lambda: client in simulation.nodes["n1"].replies)
    node.clients.paused(client)
    simulation.run(1000)
    got = count_replies(simulation.nodes["n1"].replies[client])
    assert got <= WAITING_FIRST + 1
    node.clients.resumed(client)
    simulation.run(3000)
    assert count_replies(simulation.nodes["n1"].replies[client]) == 50


def test_a_member_runs_the_calls_of_another_as_their_replies_are_read() -> None:
    """A frame of small calls can ask for any amount of memory."""
    simulation = cluster(21, size=2)
    owner = simulation.nodes["n2"].node
    key = key_of(simulation, "n2")
    simulation.command("n2", "SET", key, "x" * TURN_BYTES)
    clients = [simulation.connect_client("n1") for _ in range(10)]
    for link in owner.mesh.links:
        owner.mesh.paused(link.id)
    for client in clients:
        simulation.send("n1", client, f"GET {key}\r\n".encode())
    simulation.run(100)
    assert simulation.nodes["n1"].node.forwarding.in_flight == 10
    assert not owner.forwarding.has_work
    for link in owner.mesh.links:
        owner.mesh.resumed(link.id)
    assert owner.forwarding.has_work
    simulation.run(200)
    assert all(client in simulation.nodes["n1"].replies for client in clients)


def test_calls_for_a_broken_link_are_no_work_until_it_is_back() -> None:
    """The loop of the node would spin for as long as there is work that cannot be done."""
    simulation = cluster(22, size=2)
    key = key_of(simulation, "n2")
    node = simulation.nodes["n1"].node
    simulation.cut = {frozenset(("n1", "n2"))}
    link = node.mesh.link_to(id_of(simulation, "n2"))
    assert link is not None
    node.mesh.closed(link.id)
    client = simulation.connect_client("n1")
    simulation.send("n1", client, f"SET {key} v\r\n".encode())
    assert node.forwarding.in_flight == 1
    assert not node.forwarding.has_work
    simulation.cut = set()
    simulation.run_until(lambda: simulation.nodes["n1"].replies.get(client) == b"+OK\r\n")
