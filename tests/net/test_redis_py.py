"""The client library that most programs in Python use, in all its forms, on a real pool."""

from __future__ import annotations

import asyncio

import pytest
import redis
import redis.asyncio
from redis.cluster import RedisCluster

from tests.memnode_process import MemnodeProcess

PROTOCOLS = pytest.mark.parametrize("protocol", [2, 3])


@PROTOCOLS
def test_what_one_node_takes_every_node_gives(nodes: list[MemnodeProcess], protocol: int) -> None:
    """The promise of the whole project."""
    clients = [node.client(protocol=protocol) for node in nodes]
    for number in range(60):
        assert clients[number % 3].set(f"key:{number}", f"value {number}")
    for client in clients:
        values = [client.get(f"key:{number}") for number in range(60)]
        assert values == [b"value %d" % number for number in range(60)]
        assert client.mget([f"key:{number}" for number in range(60)]) == values
        assert client.dbsize() == 60
        assert sorted(client.scan_iter(count=7)) == sorted(client.keys())
        assert len(list(client.scan_iter())) == 60


@PROTOCOLS
def test_a_pipeline_is_answered_in_its_order(nodes: list[MemnodeProcess], protocol: int) -> None:
    """Replies of three owners and of the node itself come back as if from one server."""
    pipeline = nodes[1].client(protocol=protocol).pipeline(transaction=False)
    for number in range(500):
        pipeline.set(f"p{number}", number)
        pipeline.incr(f"p{number}")
        pipeline.echo(f"e{number}")
        pipeline.get(f"p{number}")
    results = pipeline.execute()
    expected: list[object] = []
    for number in range(500):
        expected += [True, number + 1, b"e%d" % number, b"%d" % (number + 1)]
    assert results == expected


def test_databases_are_apart_on_all_nodes(nodes: list[MemnodeProcess]) -> None:
    """SELECT works in a cluster too: the database travels with a forwarded command."""
    fifth = nodes[0].client(db=5)
    for number in range(20):
        fifth.set(f"k{number}", "five")
    assert nodes[1].client(db=0).dbsize() == 0
    assert nodes[2].client(db=5).get("k7") == b"five"
    assert nodes[2].client(db=5).dbsize() == 20
    nodes[1].client(db=5).flushdb()
    assert fifth.dbsize() == 0


def test_expiry_is_seen_through_every_node(nodes: list[MemnodeProcess]) -> None:
    """A deadline lives with its key at the owner."""
    nodes[0].client().set("session", "x", ex=100)
    for node in nodes:
        assert 90 < node.client().ttl("session") <= 100
    assert nodes[1].client().persist("session")
    assert nodes[2].client().ttl("session") == -1


def test_asyncio_clients_run_side_by_side(nodes: list[MemnodeProcess]) -> None:
    """Many connections of one program, over all nodes."""

    async def worker(number: int) -> int:
        port = nodes[number % 3].port
        async with redis.asyncio.Redis(port=port, protocol=3) as client:
            for _ in range(50):
                await client.incr("shared")
        return number

    async def work() -> None:
        await asyncio.gather(*(worker(number) for number in range(12)))

    asyncio.run(work())
    assert nodes[0].client().get("shared") == b"600"


@PROTOCOLS
def test_a_cluster_client_goes_to_the_owners(nodes: list[MemnodeProcess], protocol: int) -> None:
    """CLUSTER SLOTS leads it there, so nothing has to be forwarded."""
    forwarded = _forwarded(nodes)
    with RedisCluster(host="127.0.0.1", port=nodes[0].port, protocol=protocol) as client:
        assert {each.port for each in client.get_nodes()} == {node.port for node in nodes}
        for number in range(100):
            client.set(f"c{number}", number)
            assert client.get(f"c{number}") == b"%d" % number
        assert client.keyslot("c1") == client.cluster_keyslot("c1")
        assert sum(client.dbsize(target_nodes=RedisCluster.RANDOM) for _ in range(1)) == 100
    assert _forwarded(nodes) - forwarded <= 20  # DBSIZE asks the others


def test_an_asyncio_cluster_client_works(nodes: list[MemnodeProcess]) -> None:
    """The other implementation in redis-py."""

    async def work() -> object:
        async with redis.asyncio.RedisCluster(host="127.0.0.1", port=nodes[2].port) as client:
            await client.set("async", "1")
            return await client.get("async")

    assert asyncio.run(work()) == b"1"


def test_a_value_of_many_megabytes_crosses_nodes(nodes: list[MemnodeProcess]) -> None:
    """Large values are forwarded like small ones, byte for byte."""
    value = bytes(range(256)) * (20 << 12)  # 20 MiB
    for number in range(3):
        nodes[number].client().set(f"big{number}", value)
        assert nodes[(number + 1) % 3].client().get(f"big{number}") == value


def test_blocks_are_stored_loaded_and_freed(nodes: list[MemnodeProcess]) -> None:
    """The native commands, from any node, on a named peer too."""
    first, second, third = (node.client() for node in nodes)
    identifier = first.execute_command("STORE", b"Hello World")
    assert second.execute_command("LOAD", identifier) == b"Hello World"
    named = second.execute_command("STORE", b"x" * 1000, "PEER", nodes[2].name)
    assert first.execute_command("LOAD", named) == b"x" * 1000
    assert third.execute_command("FREE", identifier, named) == 2
    assert first.execute_command("LOAD", named) is None
    with pytest.raises(redis.ResponseError, match="NOPEER"):
        first.execute_command("STORE", b"x", "PEER", "nobody")


def _forwarded(nodes: list[MemnodeProcess]) -> int:
    return sum(int(node.client().info("memcloud")["forwarded_out"]) for node in nodes)
