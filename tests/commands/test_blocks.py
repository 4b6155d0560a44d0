"""Blocks on a node by itself; tests/sim and tests/net have several."""

from __future__ import annotations

import pytest

from memcloud.resp import ErrorReply

from .support import LocalNode


def test_a_block_is_found_by_the_number_that_storing_it_returned() -> None:
    """A decimal string of at most 63 bits."""
    node = LocalNode()
    identifier = node.run("STORE", b"\x00\xff\r\n")
    assert 0 < int(identifier) < 1 << 63
    assert node.run("LOAD", identifier) == b"\x00\xff\r\n"
    assert node.run("FREE", identifier) == 1
    assert node.run("LOAD", identifier) is None
    assert node.run("FREE", identifier) == 0


def test_equal_blocks_have_ids_of_their_own() -> None:
    """Freeing one leaves the other."""
    node = LocalNode()
    first, second = node.run("STORE", "x"), node.run("STORE", "x")
    assert first != second
    assert node.run("FREE", first, second, first) == 2


def test_blocks_are_no_keys() -> None:
    """KEYS, DBSIZE and FLUSHALL are about keys; a block goes by FREE."""
    node = LocalNode()
    identifier = node.run("STORE", "x")
    assert node.run("KEYS", "*") == []
    assert node.run("DBSIZE") == 0
    assert node.run("GET", identifier) is None
    assert node.run("FLUSHALL") == "OK"
    assert node.run("LOAD", identifier) == b"x"


def test_a_block_on_the_node_itself_may_be_asked_for_by_name() -> None:
    """PEER with one's own name."""
    node = LocalNode()
    identifier = node.run("STORE", "x", "PEER", "node")
    assert node.run("LOAD", identifier) == b"x"


def test_memory_is_given_back() -> None:
    """All of it."""
    node = LocalNode()
    identifier = node.run("STORE", b"x" * 100_000)
    assert node.node.store.used_bytes > 100_000
    node.run("FREE", identifier)
    assert node.node.store.used_bytes == 0


def test_a_full_node_refuses_blocks_and_evicts_none() -> None:
    """Nobody could make the bytes of a block again."""
    node = LocalNode(memory_bytes=1 << 20)
    node.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    kept = node.run("STORE", b"x" * (1 << 20))
    refused = node.run("STORE", b"y")
    assert refused == ErrorReply("OOM command not allowed when used memory > 'maxmemory'.")
    assert node.run("LOAD", kept) == b"x" * (1 << 20)


def test_blocks_stored_as_cache_make_room_under_every_policy() -> None:
    """Who says CACHE can make the bytes again; PINNED is what blocks are anyway."""
    for policy in ("noeviction", "allkeys-lru", "volatile-ttl", "allkeys-s3fifo"):
        node = LocalNode(memory_bytes=1 << 20)
        node.run("CONFIG", "SET", "maxmemory-policy", policy)
        pinned = node.run("STORE", b"x" * (1 << 19), "pinned")
        cached = node.run("STORE", b"y" * (1 << 19), "PEER", "node", "CACHE")
        assert node.run("LOAD", cached) == b"y" * (1 << 19)
        assert node.run("SET", "k", "v") == "OK"
        assert node.run("LOAD", cached) is None
        assert node.run("LOAD", pinned) == b"x" * (1 << 19)


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("LOAD", "x"), "ERR a block id is a decimal number from 1 to 9223372036854775807"),
        (("LOAD", "0"), "ERR a block id is a decimal number from 1 to 9223372036854775807"),
        (("LOAD", "-1"), "ERR a block id is a decimal number from 1 to 9223372036854775807"),
        (
            ("FREE", "9223372036854775808"),
            "ERR a block id is a decimal number from 1 to 9223372036854775807",
        ),
        (("STORE", "x", "PEER"), "ERR syntax error"),
        (("STORE", "x", "PIER", "node"), "ERR syntax error"),
        (("STORE", "x", "PINNED", "CACHE"), "ERR syntax error"),
        (("STORE", "x", "CACHE", "PEER"), "ERR syntax error"),
        (("STORE", "x", "PEER", "node", "PEER", "node"), "ERR syntax error"),
        (("STORE", "x", "PEER", "nobody"), "NOPEER no peer is named 'nobody'"),
        (
            ("STORE", "x", "PEER", b"\xff\r\n"),
            "NOPEER no peer is named '\N{REPLACEMENT CHARACTER}  '",
        ),
        (("STORE",), "ERR wrong number of arguments for 'store' command"),
        (("_BLOCK.GET", "1"), "ERR unknown command '_BLOCK.GET', with args beginning with: '1' "),
    ],
)
def test_bad_arguments_are_refused(args: tuple[str, ...], error: str) -> None:
    """And the connection stays usable."""
    node = LocalNode()
    assert node.run(*args) == ErrorReply(error)
    assert node.run("PING") == "PONG"
