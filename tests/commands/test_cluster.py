"""CLUSTER on a node by itself; tests/sim and tests/net have several."""

from __future__ import annotations

import pytest

from memcloud.resp import ErrorReply, Verbatim
from memcloud.ring import SLOTS, key_slot

from .support import LocalNode


def test_slots_lead_to_the_address_that_the_client_has_used() -> None:
    """A client that reached the node there can reach it there again."""
    node = LocalNode()
    member = node.node.membership.me
    assert node.run("CLUSTER", "SLOTS") == [
        [0, SLOTS - 1, [b"127.0.0.1", 6380, member.id.encode(), []]]
    ]


def test_shards_tell_the_same_with_names() -> None:
    """The form that newer clients ask for."""
    node = LocalNode()
    (shard,) = node.run("CLUSTER", "SHARDS", protocol=3)
    assert shard[b"slots"] == [0, SLOTS - 1]
    (described,) = shard[b"nodes"]
    assert described[b"ip"] == b"127.0.0.1"
    assert described[b"port"] == 6380
    assert described[b"role"] == b"master"
    assert described[b"health"] == b"online"


def test_nodes_is_in_the_line_format_of_redis() -> None:
    """redis-cli and redis-benchmark read it word by word."""
    node = LocalNode()
    reply = node.run("CLUSTER", "NODES", protocol=3)
    assert isinstance(reply, Verbatim)
    words = reply.data.decode().split()
    me = node.node.membership.me.id
    assert words[:3] == [me, "127.0.0.1:6380@16380,node", "myself,master"]
    assert words[-2:] == ["connected", f"0-{SLOTS - 1}"]


def test_info_has_the_fields_that_clients_wait_for() -> None:
    """redis-py's cluster client and redis-cli want to see the state ok."""
    text = LocalNode().run("CLUSTER", "INFO").decode()
    fields = dict(line.split(":") for line in text.splitlines())
    assert fields["cluster_state"] == "ok"
    assert fields["cluster_slots_assigned"] == str(SLOTS)
    assert fields["cluster_known_nodes"] == fields["cluster_size"] == "1"


def test_keys_are_counted_and_listed_by_slot() -> None:
    """What migration tools and curious people ask."""
    node = LocalNode()
    for name in ("{a}1", "{a}2", "other"):
        node.run("SET", name, "v")
    slot = key_slot(b"a")
    assert node.run("CLUSTER", "KEYSLOT", "{a}1") == slot
    assert node.run("CLUSTER", "COUNTKEYSINSLOT", slot) == 2
    assert sorted(node.run("CLUSTER", "GETKEYSINSLOT", slot, 10)) == [b"{a}1", b"{a}2"]
    assert len(node.run("CLUSTER", "GETKEYSINSLOT", slot, 1)) == 1


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("COUNTKEYSINSLOT", "16384"), "ERR Invalid or out of range slot"),
        (("COUNTKEYSINSLOT", "x"), "ERR Invalid or out of range slot"),
        (("GETKEYSINSLOT", "1", "-1"), "ERR Invalid number of keys"),
        (("NONSENSE",), "ERR unknown subcommand 'NONSENSE'. Try CLUSTER HELP."),
        (("KEYSLOT",), "ERR wrong number of arguments for 'cluster|keyslot' command"),
    ],
)
def test_bad_arguments_are_refused_in_the_words_of_redis(args: tuple[str, ...], error: str) -> None:
    """And the connection stays usable."""
    node = LocalNode()
    assert node.run("CLUSTER", *args) == ErrorReply(error)
    assert node.run("PING") == "PONG"


@pytest.mark.parametrize("command", ["READONLY", "READWRITE", "ASKING"])
def test_what_smart_clients_send_first_is_accepted(command: str) -> None:
    """Every node answers everything anyway."""
    assert LocalNode().run(command) == "OK"


def test_the_node_describes_itself_as_a_peer() -> None:
    """A pool of one."""
    node = LocalNode()
    node.run("SET", "k", "v")
    (me,) = node.run("PEERS", protocol=3)
    assert me[b"name"] == b"node"
    assert me[b"state"] == b"self"
    assert me[b"address"] == b"127.0.0.1:6380"
    assert me[b"slots"] == SLOTS
    assert me[b"keys"] == 1
    assert me[b"memory_used"] == node.node.store.used_bytes
    assert me[b"memory_total"] == 1 << 30
