"""The keys of one node: databases, expiry, eviction, one memory limit. No sockets, no clock."""

from .engine import Keyspace, Store
from .entry import Retention
from .lfu import LfuTuning
from .policy import Policy
from .scanning import scan_position
from .store import BLOCKS, HELD
from .values import BlockPointer, Value

__all__ = [
    "BLOCKS",
    "HELD",
    "BlockPointer",
    "Keyspace",
    "LfuTuning",
    "Policy",
    "Retention",
    "Store",
    "Value",
    "scan_position",
]
