"""The sections of INFO that count what has happened since the start or CONFIG RESETSTAT."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memcloud.node import Node
    from memcloud.stats import CommandStats

Fields = Iterable[tuple[str, object]]


def persistence(node: Node) -> Fields:
    """Nothing is kept on disk, and so nothing is ever loading or being saved."""
    return (
        ("loading", 0),
        ("async_loading", 0),
        ("rdb_changes_since_last_save", 0),
        ("rdb_bgsave_in_progress", 0),
        ("rdb_last_save_time", 0),
        ("rdb_last_bgsave_status", "ok"),
        ("rdb_last_bgsave_time_sec", -1),
        ("rdb_current_bgsave_time_sec", -1),
        ("aof_enabled", 0),
        ("aof_rewrite_in_progress", 0),
        ("aof_rewrite_scheduled", 0),
        ("aof_last_rewrite_time_sec", -1),
        ("aof_current_rewrite_time_sec", -1),
        ("aof_last_bgrewrite_status", "ok"),
        ("aof_last_write_status", "ok"),
    )


def stats(node: Node) -> Fields:
    """Connections, commands, bytes and keys."""
    counted, store = node.stats, node.store
    return (
        ("total_connections_received", counted.connections_received),
        ("total_commands_processed", counted.commands_processed),
        ("instantaneous_ops_per_sec", counted.commands_per_second()),
        ("total_net_input_bytes", counted.bytes_received),
        ("total_net_output_bytes", counted.bytes_sent),
        ("rejected_connections", counted.connections_rejected),
        ("client_output_buffer_limit_disconnections", counted.output_limit_disconnections),
        ("sync_full", 0),
        ("sync_partial_ok", 0),
        ("sync_partial_err", 0),
        ("expired_keys", store.expired_keys),
        ("evicted_keys", store.evicted_keys),
        ("evicted_clients", 0),
        ("keyspace_hits", store.hits),
        ("keyspace_misses", store.misses),
        ("pubsub_channels", 0),
        ("pubsub_patterns", 0),
        ("latest_fork_usec", 0),
        ("total_forks", 0),
        ("migrate_cached_sockets", 0),
        ("slave_expires_tracked_keys", 0),
        ("active_defrag_hits", 0),
        ("active_defrag_misses", 0),
        ("tracking_total_keys", 0),
        ("unexpected_error_replies", 0),
        ("total_error_replies", sum(counted.errors.values())),
    )


def modules(node: Node) -> Fields:
    """There are none."""
    return ()


def commandstats(node: Node) -> Fields:
    """Calls and time by command. A command that ran on its owner is counted there."""
    return [
        (f"cmdstat_{name}", _cost(counted))
        for name, counted in node.stats.commands.items()
        if counted.calls or counted.rejected
    ]


def errorstats(node: Node) -> Fields:
    """Error replies by code."""
    return [(f"errorstat_{code}", f"count={count}") for code, count in node.stats.errors.items()]


def latencystats(node: Node) -> Fields:
    """Latencies are not tracked, as CONFIG GET latency-tracking says."""
    return ()


def _cost(counted: CommandStats) -> str:
    duration_us = counted.duration_ns / 1000
    mean_us = duration_us / counted.calls if counted.calls else 0.0
    return (
        f"calls={counted.calls},usec={round(duration_us)},usec_per_call={mean_us:.2f},"
        f"rejected_calls={counted.rejected},failed_calls={counted.failed}"
    )
