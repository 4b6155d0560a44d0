"""The keys of one node: databases, expiry, eviction, one memory limit. No sockets, no clock."""

from .entry import Retention
from .keyspace import Keyspace
from .lfu import LfuTuning
from .policy import Policy
from .scanning import scan_position
from .store import Store
from .values import BlockPointer, Value

__all__ = [
    "BlockPointer",
    "Keyspace",
    "LfuTuning",
    "Policy",
    "Retention",
    "Store",
    "Value",
    "scan_position",
]
