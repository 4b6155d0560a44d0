"""The sections of INFO about what the node is and holds.

Fields have Redis' names, since dashboards ask for those. What Redis counts and nobody can do here
(transactions, scripts, replicas) is there as 0 where programs expect it, and left out otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from memcloud.cluster.names import cluster_id
from memcloud.native import native_text
from memcloud.version import REDIS_VERSION, VERSION

if TYPE_CHECKING:
    from memcloud.node import Node

Fields = Iterable[tuple[str, object]]

_NO_REPLICATION_ID = "0" * 40
# `Node.tick` runs as often as Redis' cron does by default.
_HZ = 10


def server(node: Node) -> Fields:
    """Which program this is, where it runs and since when."""
    host, settings = node.host, node.settings
    uptime_s = (node.clock.now_ms() - node.started_ms) // 1000
    return (
        ("redis_version", REDIS_VERSION),
        ("server_name", "memcloud"),
        ("memcloud_version", VERSION),
        ("memcloud_native", native_text()),
        ("memcloud_device_id", node.device_id),
        ("redis_git_sha1", "00000000"),
        ("redis_git_dirty", 0),
        ("redis_build_id", "0" * 16),
        ("redis_mode", "cluster"),
        ("os", host.operating_system),
        ("arch_bits", 64),
        ("monotonic_clock", "POSIX clock_gettime"),
        ("multiplexing_api", host.event_loop),
        ("process_id", host.process_id),
        ("process_supervised", "no"),
        ("run_id", node.run_id),
        ("tcp_port", settings.port),
        ("server_time_usec", node.clock.unix_us()),
        ("uptime_in_seconds", uptime_s),
        ("uptime_in_days", uptime_s // 86400),
        ("hz", _HZ),
        ("configured_hz", node.parameters.shown("hz")),
        ("lru_clock", node.clock.unix_ms() // 1000 % (1 << 24)),
        ("executable", host.executable),
        ("config_file", settings.config_file or ""),
        ("io_threads_active", 0),
    )


def clients(node: Node) -> Fields:
    """How many clients there are."""
    sessions = node.sessions.values()
    return (
        ("connected_clients", len(sessions)),
        ("cluster_connections", len(node.mesh.links)),
        ("maxclients", node.parameters.maxclients),
        (
            "client_recent_max_input_buffer",
            max((session.parser.buffered_bytes for session in sessions), default=0),
        ),
        (
            "client_recent_max_output_buffer",
            max((session.output_pending_bytes for session in sessions), default=0),
        ),
        ("blocked_clients", 0),
        ("tracking_clients", 0),
        ("clients_in_timeout_table", 0),
    )


def memory(node: Node) -> Fields:
    """What the keys take, what the process takes, and what there is.

    ``used_memory`` is what the store accounts for its entries, which is what ``maxmemory`` limits;
    interpreter and buffers are only in ``used_memory_rss``.
    """
    store = node.store
    used, peak, resident = node.used_bytes, store.peak_bytes, node.host.resident_bytes()
    ratio = resident / used if used else 0.0
    return (
        *_size("used_memory", used),
        *_size("used_memory_rss", resident),
        *_size("used_memory_peak", peak),
        ("used_memory_peak_perc", f"{used / peak:.2%}" if peak else "0.00%"),
        ("used_memory_overhead", 0),
        ("used_memory_startup", 0),
        ("used_memory_dataset", used),
        ("used_memory_dataset_perc", "100.00%"),
        *_size("total_system_memory", node.host.memory_total_bytes),
        *_size("used_memory_lua", 0),
        *_size("used_memory_scripts", 0),
        ("number_of_cached_scripts", 0),
        *_size("maxmemory", store.limit_bytes),
        ("maxmemory_policy", store.policy.value),
        *_size("memcloud_effective_limit", store.effective_limit_bytes),
        ("memcloud_pressure", node.neighbour.state),
        *_size("memcloud_given_back", node.neighbour.given_back_bytes),
        ("allocator_frag_ratio", "1.00"),
        ("mem_fragmentation_ratio", f"{ratio:.2f}"),
        ("mem_fragmentation_bytes", resident - used),
        ("mem_not_counted_for_evict", 0),
        ("mem_replication_backlog", 0),
        ("mem_clients_slaves", 0),
        (
            "mem_clients_normal",
            sum(
                session.parser.buffered_bytes + session.output_pending_bytes
                for session in node.sessions.values()
            ),
        ),
        ("mem_aof_buffer", 0),
        ("mem_allocator", node.host.implementation),
        ("active_defrag_running", 0),
        ("lazyfree_pending_objects", 0),
        ("lazyfreed_objects", 0),
    )


def replication(node: Node) -> Fields:
    """Every node is the master of its slots, without replicas."""
    return (
        ("role", "master"),
        ("connected_slaves", 0),
        ("master_failover_state", "no-failover"),
        ("master_replid", node.run_id),
        ("master_replid2", _NO_REPLICATION_ID),
        ("master_repl_offset", 0),
        ("second_repl_offset", -1),
        ("repl_backlog_active", 0),
        ("repl_backlog_size", 0),
        ("repl_backlog_first_byte_offset", 0),
        ("repl_backlog_histlen", 0),
    )


def cpu(node: Node) -> Fields:
    """Processor seconds of the process."""
    used = node.host.cpu_seconds()
    return (
        ("used_cpu_sys", f"{used.system:.6f}"),
        ("used_cpu_user", f"{used.user:.6f}"),
        ("used_cpu_sys_children", "0.000000"),
        ("used_cpu_user_children", "0.000000"),
    )


def cluster(node: Node) -> Fields:
    """The line by which clients tell a cluster from a single Redis."""
    return (("cluster_enabled", 1),)


def memcloud(node: Node) -> Fields:
    """What no Redis has: the pool, and this node's part in it."""
    membership, stats = node.membership, node.stats
    members = membership.members
    peers = [member for member in members if member is not membership.me]
    return (
        ("node_name", node.settings.name),
        ("node_id", membership.me.id),
        ("cluster_name", node.settings.cluster),
        ("members", len(members)),
        ("peers", len(peers)),
        ("table_epoch", membership.epoch),
        ("slots_owned", membership.table.count(membership.me.id)),
        ("slots_backed_up", len(node.clustering.core.serving.held) - len(node.clustering.led())),
        ("slots_short_of_copies", node.clustering.short_of_copies()),
        ("slots_to_move", node.clustering.slots_to_move()),
        ("slots_to_bring_in", len(node.clustering.slots.waiting)),
        *_part_in_cluster(node),
        ("pool_memory", sum(member.identity.memory_bytes for member in members)),
        ("pool_used_memory", node.used_bytes + sum(peer.used_bytes for peer in peers)),
        ("pool_keys", node.key_count() + sum(peer.keys for peer in peers)),
        ("blocks", len(node.store.blocks)),
        ("blocks_held", len(node.store.held)),
        ("native", "no"),
        ("forwarded_out", stats.forwarded_out),
        ("forwarded_in", stats.forwarded_in),
        ("calls_in_flight", node.forwarding.in_flight),
        ("forwarded_failed", stats.forwarded_failed),
        ("protocol_errors", stats.protocol_errors),
        ("clients_waiting_for_peers", sum(bool(s.replies.waiting) for s in node.sessions.values())),
    )


def _part_in_cluster(node: Node) -> Fields:
    clustering = node.clustering
    moves = clustering.core.moves
    return (
        ("cluster_id", cluster_id(clustering.core.state.cluster)),
        ("replicas", node.settings.replicas),
        ("isolated", node.settings.isolated),
        ("has_lease", int(clustering.has_lease)),
        ("leaving", int(clustering.is_leaving)),
        ("suspects", len(clustering.watcher.suspects)),
        ("moves_done", moves.done),
        ("moves_aborted", moves.aborted),
    )


def keyspace(node: Node) -> Fields:
    """The keys of this node by database, those that have some."""
    return [
        (
            f"db{number}",
            f"keys={len(keys)},expires={keys.expiring_count()},avg_ttl={keys.average_ttl_ms()}",
        )
        for number, keys in enumerate(node.store.databases)
        if len(keys)
    ]


def human(size_bytes: int) -> str:
    """Return a size as Redis writes it for people: ``1.50M``."""
    if size_bytes < 1024:
        return f"{size_bytes}B"
    size, unit = size_bytes / 1024, "K"
    for larger in "MGTP":
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.2f}{unit}"


def _size(name: str, size_bytes: int) -> Fields:
    return ((name, size_bytes), (f"{name}_human", human(size_bytes)))
