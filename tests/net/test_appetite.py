"""What a client can make a node hold: bounded, whatever it sends and leaves unread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import redis

from tests.memnode_process import MemnodeCluster, MemnodeProcess

from .support import MIB, connect, forget_peak, key_of, peak_bytes, read_all, resident_bytes

CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + b"\x5a" * 32 + b"\x20\n" * 80


@pytest.fixture
def guarded() -> Iterator[MemnodeProcess]:
    """A node that asks for a password."""
    with MemnodeProcess("--no-mdns", "--requirepass", "secret") as process:
        yield process


def test_a_large_value_of_another_owner_is_there_twice_at_most() -> None:
    """On its way, on either node; afterwards its owner has it once, and the other nothing of it."""
    size_bytes = 64 * MIB
    with MemnodeCluster(2, use_mdns=False) as cluster:
        gateway, owner = cluster.nodes
        client, key = gateway.client(), key_of(owner)
        before = [resident_bytes(node) for node in cluster.nodes]
        for node in cluster.nodes:
            forget_peak(node)
        assert client.set(key, b"x" * size_bytes)
        assert client.strlen(key) == size_bytes
        after = [resident_bytes(node) for node in cluster.nodes]
        assert client.get(key) == b"x" * size_bytes
        for node, was in zip(cluster.nodes, before, strict=True):
            assert peak_bytes(node) - was < 2 * size_bytes + 64 * MIB
        assert after[0] - before[0] < 32 * MIB
        assert after[1] - before[1] < size_bytes + 32 * MIB


def test_a_giant_pipeline_is_read_as_its_replies_are() -> None:
    """Half of it for another member; the replies are many times the memory that they take."""
    count = 150_000
    with MemnodeCluster(2, use_mdns=False) as cluster:
        gateway, other = cluster.nodes
        client = gateway.client()
        keys = [key_of(gateway), key_of(other)]
        for key in keys:
            client.set(key, b"x" * 1000)
        before = [resident_bytes(node) for node in cluster.nodes]
        for node in cluster.nodes:
            forget_peak(node)
        with connect(gateway.port) as raw:
            pipeline = "".join(f"GET {key}\r\n" for key in keys).encode() * count
            writer = threading.Thread(target=raw.sendall, args=[pipeline])
            writer.start()
            for _ in range(200):  # a while in which the node serves others
                assert client.exists(*keys) == 2
            left_bytes = 2 * count * len(b"$1000\r\n" + b"x" * 1000 + b"\r\n")
            while left_bytes:
                left_bytes -= len(raw.recv(min(left_bytes, MIB)))
            writer.join()
            raw.sendall(b"PING\r\n")
            assert raw.recv(100) == b"+PONG\r\n"
        for node, was in zip(cluster.nodes, before, strict=True):
            assert peak_bytes(node) - was < 32 * MIB


@pytest.mark.parametrize(
    ("request_bytes", "reply"),
    [
        (b"*11\r\n", b"-ERR Protocol error: unauthenticated multibulk length\r\n"),
        (b"*1\r\n$16385\r\n", b"-ERR Protocol error: unauthenticated bulk length\r\n"),
    ],
)
def test_a_stranger_gets_the_limits_of_strangers(
    guarded: MemnodeProcess, request_bytes: bytes, reply: bytes
) -> None:
    """Redis' figures and words."""
    with connect(guarded.port) as raw:
        raw.sendall(request_bytes)
        assert read_all(raw) == reply


def test_a_stranger_that_reads_no_errors_gets_few(guarded: MemnodeProcess) -> None:
    """CVE-2025-21605: the replies of strangers were kept without end."""
    client = guarded.client(password="secret")
    before = resident_bytes(guarded)
    strangers = [_connect_narrowly(guarded.port) for _ in range(8)]
    rounds_without_progress, errors = 0, None
    while rounds_without_progress < 5:
        sent = [_send_some(stranger, b"GET k\r\n" * 50_000) for stranger in strangers]
        last, errors = errors, client.info("errorstats").get("errorstat_NOAUTH")
        is_full = errors == last and not any(sent)
        rounds_without_progress = rounds_without_progress + 1 if is_full else 0
    # What is read and not yet run is the rest of one read, of at most 256 KiB with uvloop.
    assert resident_bytes(guarded) - before < 8 * (64 + 256) * 1024 + 4 * MIB
    for stranger in strangers:
        stranger.close()


def test_whoever_logs_in_gets_the_usual_limits(guarded: MemnodeProcess) -> None:
    """A megabyte may wait for a client that the node knows."""
    with connect(guarded.port) as raw:
        raw.sendall(b"AUTH secret\r\n")
        assert raw.recv(100) == b"+OK\r\n"
        raw.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\n" + b"x" * 20_000 + b"\r\n")
        assert raw.recv(100) == b"+OK\r\n"
    client = redis.Redis(port=guarded.port, password="secret")
    assert client.strlen("k") == 20_000


@pytest.mark.parametrize(
    ("garbage", "log"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\nSET k v\r\n", "web page"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nSET k v\r\n", "web page"),
        (CLIENT_HELLO + b"\nSET k v\r\n", "TLS client"),
        (b"*3000000000\r\nSET k v\r\n", "broke the protocol"),
    ],
)
def test_who_speaks_another_protocol_is_cut_off_with_one_line_in_the_log(
    node: MemnodeProcess, garbage: bytes, log: str
) -> None:
    """Browsers and scanners come in crowds, and nothing of what they send is to be run."""
    for _ in range(30):
        with connect(node.port) as raw:
            raw.sendall(garbage)
            try:
                read_all(raw)
            except ConnectionResetError:  # closed before all of it was read
                continue
    assert node.client().get("k") is None
    assert node.log.count(log) == 1


def _connect_narrowly(port: int) -> socket.socket:
    """Return a connection in which little gets stuck on its way, so that it is full soon."""
    connection = socket.socket()
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        connection.setsockopt(socket.SOL_SOCKET, option, 4096)
    connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection


def _send_some(connection: socket.socket, data: bytes) -> int:
    """Send as much as goes at once."""
    try:
        return connection.send(data)
    except BlockingIOError:
        return 0
