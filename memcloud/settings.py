"""What a node is told at its start: one flat record, filled from flags, variables and a file."""

from __future__ import annotations

from dataclasses import dataclass, field

from .store.policy import Policy

DEFAULT_PORT = 6380
PEER_PORT_OFFSET = 10_000  # as Redis Cluster places its bus


@dataclass(slots=True)
class Settings:
    """The settings of one node. `cli/settings.py` reads and checks them."""

    name: str
    port: int = DEFAULT_PORT
    bind: str = "127.0.0.1"
    socket_path: str | None = None
    peer_port: int = DEFAULT_PORT + PEER_PORT_OFFSET
    peer_bind: str = "127.0.0.1"
    memory_bytes: int = 1 << 30
    policy: Policy = Policy.ALLKEYS_S3FIFO
    cluster: str = "default"
    join: tuple[tuple[str, int], ...] = ()  # peer addresses (host, peer port)
    interface: str | None = None
    mdns: bool = True
    requirepass: str = ""
    max_clients: int = 10_000
    databases: int = 16
    log_level: str = "info"
    log_json: bool = False
    replicas: int = 1  # how many members hold each key
    isolated: str = "auto"  # what becomes of a part that is cut off: auto, fresh or refuse
    start_ms: int = 0  # how long to look for a cluster before founding one
    state_dir: str = ""  # empty only where no process is started
    config_file: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
