"""INFO: the sections, and the fields that programs read."""

from __future__ import annotations

import pytest

from memcloud.commands.info_node import human
from memcloud.resp import Verbatim

from .support import LocalNode

# redis-cli --stat, redis_exporter and the Grafana dashboards 763 and 14091 read these.
READ_BY_PROGRAMS = (
    "redis_version redis_mode os process_id run_id tcp_port uptime_in_seconds "
    "connected_clients blocked_clients maxclients cluster_connections "
    "used_memory used_memory_human used_memory_rss used_memory_peak used_memory_dataset maxmemory "
    "maxmemory_policy mem_fragmentation_ratio total_system_memory used_memory_lua "
    "loading rdb_bgsave_in_progress rdb_changes_since_last_save rdb_last_bgsave_status "
    "rdb_last_save_time aof_enabled aof_rewrite_in_progress aof_last_bgrewrite_status "
    "total_connections_received total_commands_processed instantaneous_ops_per_sec "
    "total_net_input_bytes total_net_output_bytes rejected_connections expired_keys evicted_keys "
    "keyspace_hits keyspace_misses pubsub_channels pubsub_patterns latest_fork_usec "
    "total_error_replies role connected_slaves master_replid master_repl_offset "
    "used_cpu_sys used_cpu_user cluster_enabled"
)


def info(node: LocalNode, *sections: str) -> dict[str, str]:
    """Return the fields of INFO."""
    lines = node.run("INFO", *sections).decode().split("\r\n")
    return dict(line.split(":", 1) for line in lines if line and not line.startswith("#"))


def titles(node: LocalNode, *sections: str) -> list[str]:
    """Return the titles of the sections."""
    lines = node.run("INFO", *sections).decode().split("\r\n")
    return [line[2:] for line in lines if line.startswith("# ")]


def test_programs_find_the_fields_that_they_read() -> None:
    """Without any option."""
    assert set(READ_BY_PROGRAMS.split()) <= set(info(LocalNode()))


def test_no_field_is_told_twice() -> None:
    """Programs put them into one map."""
    lines = LocalNode().run("INFO", "everything").decode().split("\r\n")
    names = [line.split(":")[0] for line in lines if ":" in line]
    assert len(names) == len(set(names))


DEFAULT = (
    "Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Memcloud "
    "Keyspace"
)
EVERYTHING = (
    "Server Clients Memory Persistence Stats Replication CPU Modules Commandstats Errorstats "
    "Latencystats Cluster Memcloud Keyspace"
)


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ([], DEFAULT.split()),
        (["default"], DEFAULT.split()),
        (["everything"], EVERYTHING.split()),
        (["ALL"], [title for title in EVERYTHING.split() if title != "Modules"]),
        (["memory"], ["Memory"]),
        (["keyspace", "nosuch", "Server", "server"], ["Server", "Keyspace"]),
        (["default", "commandstats"], [t for t in EVERYTHING.split() if t != "Latencystats"]),
        (["nosuch"], []),
    ],
)
def test_sections_are_chosen_by_name(sections: list[str], expected: list[str]) -> None:
    """In their own order, each once."""
    assert titles(LocalNode(), *sections) == expected


def test_sections_are_parted_by_an_empty_line() -> None:
    """Some parsers split there."""
    text = LocalNode().run("INFO", "cluster", "keyspace")
    assert text == b"# Cluster\r\ncluster_enabled:1\r\n\r\n# Keyspace\r\n"


def test_it_is_text_where_the_protocol_has_text() -> None:
    """redis-cli -3 prints it as it is."""
    assert LocalNode().run("INFO", "nosuch", protocol=3) == Verbatim("txt", b"")


def test_the_keyspace_counts_keys_of_this_node() -> None:
    """With those that will expire, and after how long on average."""
    node = LocalNode()
    now_ms = node.clock.now_ms()
    node.node.store.databases[0].set(b"a", b"1")
    node.node.store.databases[3].set(b"b", b"2", now_ms + 4000)
    found = info(node, "keyspace")
    assert found == {"db0": "keys=1,expires=0,avg_ttl=0", "db3": "keys=1,expires=1,avg_ttl=4000"}


def test_counters_count() -> None:
    """One of each sort."""
    node = LocalNode()
    node.client(2)
    node.run("ECHO")
    node.run("PING")
    node.node.store.databases[0].get(b"nosuch")
    found = info(node, "everything")
    assert found["total_connections_received"] == "2"
    assert found["connected_clients"] == "2"
    assert found["keyspace_misses"] == "1"
    assert found["total_error_replies"] == "1"
    assert found["errorstat_ERR"] == "count=1"
    assert found["cmdstat_ping"].startswith("calls=1,usec=")
    assert found["cmdstat_ping"].endswith(",rejected_calls=0,failed_calls=0")
    assert "rejected_calls=1" in found["cmdstat_echo"]


def test_uptime_is_whole_seconds() -> None:
    """By the clock that no correction touches."""
    node = LocalNode()
    node.clock.advance(86_400_999)
    found = info(node, "server")
    assert (found["uptime_in_seconds"], found["uptime_in_days"]) == ("86400", "1")


def test_a_node_alone_owns_the_whole_pool() -> None:
    """The section of our own tells the place in the cluster."""
    found = info(LocalNode(name="studio", cluster="lab", memory_bytes=1000), "memcloud")
    told = {"node_name": "studio", "cluster_name": "lab", "members": "1", "peers": "0"}
    told |= {"slots_owned": "16384", "pool_memory": "1000", "native": "no"}
    assert told.items() <= found.items()


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1.00K"),
        (1536 * 1024, "1.50M"),
        (1 << 30, "1.00G"),
        (5 << 40, "5.00T"),
        (1 << 60, "1024.00P"),
    ],
)
def test_sizes_for_people_have_a_unit(size_bytes: int, text: str) -> None:
    """As Redis writes them."""
    assert human(size_bytes) == text
