"""Places for clients: as many as there are descriptors for, and the links of the members kept."""

from __future__ import annotations

import socket

import psutil
import pytest
import redis

from tests.memnode_process import MemnodeCluster, MemnodeProcess, wait_for

from .support import connect

FEW_DESCRIPTORS = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
TOO_MANY = b"-ERR max number of clients reached\r\n"


def served(connections: list[socket.socket]) -> int:
    """Return how many of the connections answer; the others have to be closed or refused."""
    answers = []
    for connection in connections:
        try:
            connection.sendall(b"PING\r\n")
            answers.append(connection.recv(100))
        except (ConnectionResetError, BrokenPipeError):
            answers.append(b"")
    assert set(answers) <= {b"+PONG\r\n", TOO_MANY, b""}
    return answers.count(b"+PONG\r\n")


def cpu_seconds(node: MemnodeProcess) -> float:
    """Return the processor time that a node has used."""
    times = psutil.Process(node.pid).cpu_times()
    return float(times.user + times.system)


def test_twice_as_many_clients_as_there_are_places_are_served_by_half(
    node: MemnodeProcess,
) -> None:
    """Neither one more nor one less."""
    control = node.client(single_connection_client=True)
    control.config_set("maxclients", 101)
    wait_for(lambda: control.info("clients")["connected_clients"] == 1, "the others are gone")
    connections = [connect(node.port) for _ in range(200)]
    assert served(connections) == 100
    assert control.info("stats")["rejected_connections"] == 100
    for connection in connections:
        connection.close()


def test_without_descriptors_clients_are_refused_and_members_stay() -> None:
    """A crowd at the door must not part the node from its pool, nor keep it busy."""
    cluster = MemnodeCluster(3, use_mdns=False)
    node = cluster.nodes[0]
    node.prefix = FEW_DESCRIPTORS
    with cluster:
        assert "maxclients is 32 instead of 10000" in node.log
        control = node.client(single_connection_client=True)
        wait_for(lambda: control.info("clients")["connected_clients"] == 1, "the others are gone")
        log_before = node.log
        others_before = [other.log for other in cluster.nodes[1:]]
        crowd = [connect(node.port) for _ in range(200)]
        assert served(crowd) == 31
        used_before, begun_s = cpu_seconds(node), control.info("server")["uptime_in_seconds"]
        wait_for(
            lambda: control.info("server")["uptime_in_seconds"] >= begun_s + 3,
            "longer than a member may be silent",
        )
        # The questions of this test take most of it; a node in a loop would take all of it.
        assert cpu_seconds(node) - used_before < 1
        for name in range(100):  # most are keys of others
            assert control.set(f"k{name}", name)
        for connection in crowd:
            connection.close()
        assert node.client().ping()
        assert complaints(node.log) == complaints(log_before)
        assert [complaints(other.log) for other in cluster.nodes[1:]] == list(
            map(complaints, others_before)
        )


def complaints(log: str) -> list[str]:
    """Return the lines of a log that tell of trouble."""
    return [line for line in log.splitlines() if " INFO " not in line]


def test_more_places_than_the_system_has_are_refused() -> None:
    """As in Redis, when CONFIG SET asks for them."""
    node = MemnodeProcess("--no-mdns")
    node.prefix = FEW_DESCRIPTORS
    with node, pytest.raises(redis.ResponseError, match=r"not able to handle .* try with 32"):
        node.client().config_set("maxclients", 33)


def test_a_node_that_can_open_hardly_anything_says_so() -> None:
    """One sentence, instead of a node that serves nobody."""
    node = MemnodeProcess("--no-mdns")
    node.prefix = ("sh", "-c", 'ulimit -n 32; exec "$@"', "sh")
    node.launch()
    assert node.process is not None
    assert node.process.wait(60) == 1
    assert "ulimit -n" in node.log
    assert "Traceback" not in node.log
    node.directory.cleanup()
