"""The asyncio client says and understands the same as the blocking one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from memcloud.sdk import NoPeer
from memcloud.sdk.aio import MemCloud

from .support import FakeNode

T = TypeVar("T")


def ask(node: FakeNode, question: Callable[[MemCloud], Awaitable[T]]) -> T:
    """Return the answer of a client that lives for one question."""

    async def main() -> T:
        async with MemCloud(host="127.0.0.1", port=node.port, protocol=2) as pool:
            return await question(pool)

    return asyncio.run(main())


def test_blocks_are_stored_loaded_and_freed() -> None:
    """The types are those of the blocking client."""
    answers = {b"STORE": b"$2\r\n42\r\n", b"LOAD": b"$3\r\na\x00b\r\n", b"FREE": b":1\r\n"}
    with FakeNode(answers) as node:
        assert ask(node, lambda pool: pool.store(b"x", peer="NodeB")) == 42
        assert node.commands[-1] == [b"STORE", b"x", b"PEER", b"NodeB"]
        assert ask(node, lambda pool: pool.load(42)) == b"a\x00b"
        assert ask(node, lambda pool: pool.free(42)) == 1


def test_peers_are_connected_and_listed() -> None:
    """An empty list is a list."""
    with FakeNode({b"PEER": b"+OK\r\n", b"PEERS": b"*0\r\n"}) as node:
        ask(node, lambda pool: pool.connect_peer("10.0.0.2", 8081))
        assert node.commands[-1] == [b"PEER", b"CONNECT", b"10.0.0.2", b"8081"]
        assert ask(node, lambda pool: pool.peers()) == []


def test_errors_of_ours_are_exceptions_of_ours() -> None:
    """The same classes as in the blocking client, so that one handler fits both."""
    with (
        FakeNode({b"STORE": b"-NOPEER no peer is named 'x'\r\n"}) as node,
        pytest.raises(NoPeer, match="no peer is named 'x'"),
    ):
        ask(node, lambda pool: pool.store(b"x", peer="x"))


def test_a_url_without_a_port_means_the_port_of_memcloud() -> None:
    """redis-py would go to 6379, where a Redis may listen."""
    assert MemCloud.from_url("redis://localhost").connection_pool.connection_kwargs["port"] == 6380
