"""The blocking client."""

from __future__ import annotations

import subprocess
import sys

import pytest
import redis

import memcloud
from memcloud.sdk import MemCloud, NoPeer, PeerDown

from .support import FakeNode

BINARY = b"\x00\xff\r\nnot text"


def client(node: FakeNode, **options: bool) -> MemCloud:
    """Return a client of a fake node."""
    return MemCloud("127.0.0.1", node.port, protocol=2, **options)


def test_store_returns_the_id_as_a_number() -> None:
    """Ids are 63-bit numbers; a program keeps them as such."""
    with FakeNode({b"STORE": b"$9\r\n123456789\r\n"}) as node, client(node) as pool:
        assert pool.store(BINARY) == 123456789
        assert node.commands[-1] == [b"STORE", BINARY]


def test_store_on_a_peer_names_it() -> None:
    """The name goes behind the data, as the command has it."""
    with FakeNode({b"STORE": b"$1\r\n7\r\n"}) as node, client(node) as pool:
        assert pool.store("x", peer="NodeB") == 7
        assert node.commands[-1] == [b"STORE", b"x", b"PEER", b"NodeB"]


def test_load_returns_bytes_even_if_the_client_decodes() -> None:
    """A block is bytes; decoding it would fail or damage it."""
    answer = b"$%d\r\n%s\r\n" % (len(BINARY), BINARY)
    with FakeNode({b"LOAD": answer}) as node, client(node, decode_responses=True) as pool:
        assert pool.load(7) == BINARY


def test_load_of_no_block_is_none() -> None:
    """A miss is an answer and no error."""
    with FakeNode({b"LOAD": b"$-1\r\n"}) as node, client(node) as pool:
        assert pool.load(7) is None


def test_free_returns_how_many_there_were() -> None:
    """Freeing twice is harmless and visible."""
    with FakeNode({b"FREE": b":2\r\n"}) as node, client(node) as pool:
        assert pool.free(1, 2, 3) == 2
        assert node.commands[-1] == [b"FREE", b"1", b"2", b"3"]


def test_free_of_nothing_asks_nobody() -> None:
    """A program that frees a list may have an empty one."""
    with FakeNode({}) as node, client(node) as pool:
        assert pool.free() == 0
        assert node.commands == []


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"-NOPEER no peer is named 'x'\r\n", NoPeer),
        (b"-PEERDOWN NodeB\r\n", PeerDown),
        (b"-ERR syntax error\r\n", redis.ResponseError),
    ],
)
def test_error_codes_of_ours_are_exceptions_of_ours(reply: bytes, kind: type[Exception]) -> None:
    """A peer that is away and a peer that does not exist call for different handling."""
    with FakeNode({b"STORE": reply}) as node, client(node) as pool:
        with pytest.raises(redis.ResponseError) as caught:
            pool.store(b"x", peer="x")
        assert type(caught.value) is kind


def test_connect_peer_sends_the_port_of_its_clients() -> None:
    """The node adds what is between that and the port of its links."""
    with FakeNode({b"PEER": b"+OK\r\n"}) as node, client(node) as pool:
        pool.connect_peer("10.0.0.2", 8081)
        assert node.commands[-1] == [b"PEER", b"CONNECT", b"10.0.0.2", b"8081"]


def test_a_url_without_a_port_means_the_port_of_memcloud() -> None:
    """redis-py would go to 6379, where a Redis may listen."""
    options = MemCloud.from_url("redis://localhost").connection_pool.connection_kwargs
    assert options["port"] == 6380


def test_a_url_may_name_a_port_or_a_socket() -> None:
    """What the URL says counts."""
    tcp = MemCloud.from_url("redis://localhost:7000").connection_pool.connection_kwargs
    unix = MemCloud.from_url("unix:///run/x.sock").connection_pool.connection_kwargs
    assert tcp["port"] == 7000
    assert unix["path"] == "/run/x.sock"


def test_the_client_is_at_the_top_of_the_package() -> None:
    """`from memcloud import MemCloud` is what the documents show."""
    assert memcloud.MemCloud is MemCloud


def test_importing_memcloud_does_not_import_redis() -> None:
    """A node needs no client library, and starts the faster without."""
    program = "import sys, memcloud; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
