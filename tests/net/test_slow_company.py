"""Others that are slow or silent: they are waited for, but not for ever, and by nobody else."""

from __future__ import annotations

import select
import signal
import socket

from tests.memnode_process import MemnodeCluster, MemnodeProcess, wait_for

from .support import MIB, connect, key_of


def test_whoever_does_not_get_on_is_cut_off(node: MemnodeProcess) -> None:
    """One byte a second of a command, nothing of a greeting, or replies that nobody reads.

    All of them at once, since most of this test is patience.
    """
    client = node.client()
    client.set("big", b"x" * (40 * MIB))
    idle, reader = connect(node.port), connect(node.port)
    reader.sendall(b"GET big\r\n")
    dribblers = [connect(node.port) for _ in range(100)]
    strangers = [connect(node.port + 10_000) for _ in range(2)]
    strangers[0].sendall(b"\0\0")
    for dribbler in dribblers:
        dribbler.sendall(b"*2\r\n$3\r\nGET\r\n$100\r\n")
    uptime_s = client.info("server")["uptime_in_seconds"]

    def is_alone() -> bool:
        nonlocal uptime_s
        now_s = client.info("server")["uptime_in_seconds"]
        if now_s > uptime_s:
            uptime_s = now_s
            for dribbler in dribblers:
                _dribble(dribbler)
        return int(client.info("clients")["connected_clients"]) == 2

    wait_for(is_alone, "only the idle client and this one are left", 90)
    assert client.info("stats")["client_output_buffer_limit_disconnections"] == 1
    assert node.log.count("is cut off") == 1
    assert node.log.count("did not end its request") == 1
    assert node.log.count("did not greet in time") == 1
    for stranger in strangers:
        assert stranger.recv(100) == b""
    idle.sendall(b"PING\r\n")
    assert idle.recv(100) == b"+PONG\r\n"
    for connection in (idle, reader, *dribblers, *strangers):
        connection.close()


def test_a_member_that_does_not_run_holds_up_its_own_keys_only() -> None:
    """Its replies are waited for; those of all others come as if it were not there."""
    with MemnodeCluster(3) as cluster:
        gateway, other, paused = cluster.nodes
        keys = [key_of(gateway), key_of(other)]
        waited_for = key_of(paused)
        client = gateway.client()
        for key in (*keys, waited_for):
            client.set(key, b"v")
        paused.signal(signal.SIGSTOP)
        with connect(gateway.port) as raw, connect(gateway.port) as full:
            raw.sendall(f"GET {waited_for}\r\n".encode())
            full.setblocking(False)
            # More than may be on the way to one member, so that its queue is full, too.
            _send_all_that_goes(full, f"SET {waited_for} {'x' * 60_000}\r\n".encode() * 1000)
            wait_for(lambda: client.info("memcloud")["calls_in_flight"] > 1, "they wait")
            for _ in range(10):
                assert client.mget(keys) == [b"v", b"v"]
                assert client.get(keys[0]) == client.get(keys[1]) == b"v"
            assert client.mset(dict.fromkeys(keys, b"v"))
            assert select.select([raw], [], [], 0)[0] == []
            paused.signal(signal.SIGCONT)
            assert raw.recv(100)


def _dribble(connection: socket.socket) -> None:
    try:
        connection.sendall(b"x")
    except (BrokenPipeError, ConnectionResetError):
        return  # cut off; that is what is waited for


def _send_all_that_goes(connection: socket.socket, data: bytes) -> None:
    try:
        connection.send(data)
    except BlockingIOError:
        return
