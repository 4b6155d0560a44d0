"""Clients and peers that misbehave, nodes that die: nobody else is to notice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import redis

from memcloud.ring import key_slot
from tests.memnode_process import MemnodeCluster, MemnodeProcess, wait_for
from tests.ports import free_port

from .support import MIB, connect, key_of, owners, read_all, resident_bytes


def test_the_kill_of_a_node_leaves_the_others_serving() -> None:
    """Its slots come back empty, the rest stays, moved or not; commands go on at once."""
    with MemnodeCluster(3) as cluster:
        first, second, victim = cluster.nodes
        client = first.client()
        for number in range(300):
            client.set(f"k{number}", number)
        before = owners(client)
        victim.kill()
        wait_for(lambda: first.members() == second.members() == {"n1", "n2"}, "both have noticed")
        for number in range(300):
            key = f"k{number}"
            lost = before[key_slot(key.encode())] == victim.port
            value = None if lost else b"%d" % number
            assert second.client().get(key) == value
            assert client.set(key, "new")
        after = owners(client)
        moved = [slot for slot, owner in before.items() if after[slot] != owner]
        assert len(moved) <= 1.5 * sum(owner == victim.port for owner in before.values())


def test_a_client_in_flight_when_a_node_dies_gets_an_error_and_goes_on() -> None:
    """It is told that the write may have happened; the connection stays usable."""
    with MemnodeCluster(2, use_mdns=False) as cluster:
        survivor, victim = cluster.nodes
        client = survivor.client()
        key = key_of(victim)
        victim.signal(signal.SIGSTOP)
        with connect(survivor.port) as raw:
            raw.sendall(f"SET {key} v\r\nPING\r\n".encode())
            wait_for(lambda: _pending_calls(survivor) > 0, "the write is on its way")
            victim.kill()
            reply = raw.recv(65536)
            while b"+PONG" not in reply:
                reply += raw.recv(65536)
        assert reply.startswith(b"-UNKNOWN ")
        assert client.set(key, "v")


@pytest.mark.parametrize("what", ["port", "peer port", "socket"])
def test_what_is_taken_is_a_clear_error(node: MemnodeProcess, what: str) -> None:
    """One sentence that names it, and exit code 1."""
    port = node.port if what == "port" else free_port()
    flags = ["--port", str(port), "--no-mdns", "--name", "second", "--memory", "64mb"]
    if what == "peer port":
        flags += ["--peer-port", str(node.port + 10000)]
    elif what == "port":
        flags += ["--peer-port", str(free_port())]
    flags += ["--socket", node.socket_path if what == "socket" else f"{node.socket_path}.2"]
    run = subprocess.run(
        [sys.executable, "-m", "memcloud.cli.memnode", *flags],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    named = {
        "port": f":{node.port}",
        "peer port": f":{node.port + 10000}",
        "socket": node.socket_path,
    }[what]
    assert named in run.stderr.strip().splitlines()[-1]
    assert "Traceback" not in run.stderr
    assert node.client().ping()


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 64, b"\xff" * 64, b"*1\r\n$4\r\nPING\r\n"],
)
def test_a_peer_that_sends_garbage_is_cut_off(node: MemnodeProcess, garbage: bytes) -> None:
    """It gets no answer that it could make use of, and the node goes on."""
    with connect(node.port + 10000) as raw:
        raw.sendall(garbage)
        assert read_all(raw) == b""
    assert node.client().ping()


def test_a_client_that_stops_reading_costs_little_memory(node: MemnodeProcess) -> None:
    """Its commands wait as long as it does not take the replies it has."""
    client = node.client()
    client.set("big", b"x" * MIB)
    before = resident_bytes(node)
    with connect(node.port) as raw:
        raw.sendall(b"GET big\r\n" * 1000)
        for _ in range(200):  # a while in which the node serves others
            client.get("small")
        assert resident_bytes(node) - before < 48 * MIB
        received = 0
        while received < 1000 * (MIB + 12):
            received += len(raw.recv(MIB))
        raw.sendall(b"PING\r\n")
        assert raw.recv(100) == b"+PONG\r\n"


def test_nor_does_it_cost_the_members_that_its_replies_come_from() -> None:
    """Neither the node that it is connected to nor the owner of the value gathers them all."""
    with MemnodeCluster(2, use_mdns=False) as cluster:
        gateway, owner = cluster.nodes
        client = gateway.client()
        key = key_of(owner)
        client.set(key, b"x" * MIB)
        before = [resident_bytes(node) for node in cluster.nodes]
        with connect(gateway.port) as raw:
            raw.sendall(f"GET {key}\r\n".encode() * 1000)
            for _ in range(200):  # a while in which the nodes serve others
                client.exists(key)
            for node, was in zip(cluster.nodes, before, strict=True):
                assert resident_bytes(node) - was < 64 * MIB
            received = 0
            while received < 1000 * (MIB + 12):
                received += len(raw.recv(MIB))


def test_a_claim_of_512_mib_reserves_nothing(node: MemnodeProcess) -> None:
    """A hundred clients announce the largest value and send one byte of it."""
    before = resident_bytes(node)
    connections = [connect(node.port) for _ in range(100)]
    for raw in connections:
        raw.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\nx")
    assert node.client().ping()
    assert resident_bytes(node) - before < 8 * MIB
    for raw in connections:
        raw.close()


def test_protocol_errors_close_only_their_own_connection(node: MemnodeProcess) -> None:
    """Redis' text, then the end."""
    with connect(node.port) as other, connect(node.port) as raw:
        raw.sendall(b"*1\r\n$4\r\nPING\r\n*3000000000\r\n")
        assert read_all(raw) == b"+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"
        other.sendall(b"PING\r\n")
        assert other.recv(100) == b"+PONG\r\n"


def test_a_web_page_cannot_talk_to_the_port(node: MemnodeProcess) -> None:
    """A browser that posts to localhost must not run commands."""
    with connect(node.port) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET evil 1\r\n")
        assert read_all(raw) == b""
    assert node.client().get("evil") is None


def test_too_many_clients_are_refused_exactly(node: MemnodeProcess) -> None:
    """The one beyond the limit gets Redis' error."""
    control = node.client(single_connection_client=True)
    control.config_set("maxclients", 10)
    allowed = [connect(node.port) for _ in range(9)]
    for raw in allowed:
        raw.sendall(b"PING\r\n")
        assert raw.recv(100) == b"+PONG\r\n"
    with connect(node.port) as raw:
        assert read_all(raw) == b"-ERR max number of clients reached\r\n"
    allowed.pop().close()
    wait_for(lambda: control.info("clients")["connected_clients"] == 9, "one place is free")
    with connect(node.port) as raw:
        raw.sendall(b"PING\r\n")
        assert raw.recv(100) == b"+PONG\r\n"
    for raw in allowed:
        raw.close()


def test_a_full_node_says_so_and_goes_on() -> None:
    """`-OOM` for what needs memory, and everything else as before."""
    with MemnodeProcess("--no-mdns", "--memory", "8mb", "--policy", "noeviction") as node:
        client = node.client()
        with pytest.raises(redis.exceptions.OutOfMemoryError):
            _fill(client)
        assert client.get("k0") == b"x" * MIB
        assert client.info("memory")["used_memory"] <= 9 * MIB
        assert client.delete("k0") == 1
        client.config_set("maxmemory-policy", "allkeys-lru")
        for number in range(100):
            assert client.set(f"n{number}", b"x" * MIB)


def test_a_node_stops_cleanly_on_sigterm() -> None:
    """Exit code 0, its socket is gone, and nothing is left listening."""
    node = MemnodeProcess("--no-mdns").start()
    assert node.stop() == 0
    assert not os.path.exists(node.socket_path)
    with pytest.raises(ConnectionRefusedError):
        connect(node.port)
    node.directory.cleanup()


def test_the_socket_is_for_its_owner_only(node: MemnodeProcess) -> None:
    """Nobody else on the machine may read the cache through it."""
    assert os.stat(node.socket_path).st_mode & 0o077 == 0
    assert redis.Redis(unix_socket_path=node.socket_path).ping()


def test_a_name_that_is_taken_is_a_clear_error() -> None:
    """The newcomer stops and says why; the pool goes on."""
    with MemnodeCluster(1, use_mdns=False) as cluster:
        elder = cluster.nodes[0]
        twin = MemnodeProcess(
            "--no-mdns",
            "--join",
            f"127.0.0.1:{elder.port}",
            "--cluster",
            _cluster(elder),
            name="n1",
        ).launch()
        assert twin.process is not None
        assert twin.process.wait(60) == 1
        assert "the name 'n1' is taken" in twin.log
        assert elder.client().ping()
        twin.directory.cleanup()


def test_pools_of_different_names_do_not_mix() -> None:
    """Two `--cluster` names on one network are two caches."""
    with MemnodeCluster(1) as first, MemnodeCluster(1) as second:
        one, other = first.nodes[0], second.nodes[0]
        with pytest.raises(redis.ResponseError, match="is in cluster"):
            one.client().execute_command("PEER", "CONNECT", "127.0.0.1", other.port)
        assert one.members() == other.members() == {"n1"}


def test_connecting_joins_nodes_that_mdns_cannot_see() -> None:
    """`memcli connect` names the port of the other node's clients."""
    with MemnodeCluster(1, use_mdns=False) as cluster:
        first = cluster.nodes[0]
        with MemnodeProcess("--no-mdns", "--cluster", _cluster(first), name="other") as second:
            client = second.client()
            with pytest.raises(redis.ResponseError, match="this node itself"):
                client.execute_command("PEER", "CONNECT", "127.0.0.1", second.port)
            assert client.execute_command("PEER", "CONNECT", "127.0.0.1", first.port) == b"OK"
            wait_for(lambda: first.members() == second.members() == {"n1", "other"}, "joined")


def test_hosts_that_cannot_be_are_answered_and_use_no_dial_up(node: MemnodeProcess) -> None:
    """Only a few dials run at a time: one that never ends would be missing for ever."""
    client = node.client(decode_responses=True)
    for host in ("..", "a..b", "x" * 64 + ".example", b"\xff", "still..", "more.."):
        with pytest.raises(redis.ResponseError, match="that is no host name"):
            client.execute_command("PEER", "CONNECT", host, 6999)
    with pytest.raises(redis.ResponseError, match="this node itself"):
        client.execute_command("PEER", "CONNECT", "127.0.0.1", node.port)
    assert "Traceback" not in node.log


def _fill(client: Any) -> None:
    for number in range(100):
        client.set(f"k{number}", b"x" * MIB)


def _pending_calls(node: MemnodeProcess) -> int:
    return int(node.client().info("memcloud")["calls_in_flight"])


def _cluster(node: MemnodeProcess) -> str:
    return str(node.client().info("memcloud")["cluster_name"])
