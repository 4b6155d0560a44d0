"""The commands of a node, one file per family, joined into one table."""

from .blocks import FAMILY as BLOCKS
from .client import FAMILY as CLIENT
from .cluster import FAMILY as CLUSTER
from .config import FAMILY as CONFIG
from .connection import FAMILY as CONNECTION
from .counters import FAMILY as COUNTERS
from .expiry import FAMILY as EXPIRY
from .info import FAMILY as INFO
from .introspection import FAMILY as INTROSPECTION
from .keys import FAMILY as KEYS
from .lcs import FAMILY as LCS
from .memory import FAMILY as MEMORY
from .monitoring import FAMILY as MONITORING
from .object import FAMILY as OBJECT
from .placement import FAMILY as PEERS  # of peers.py, with what placement.py adds
from .scanning import FAMILY as SCANNING
from .server import FAMILY as SERVER
from .strings import FAMILY as STRINGS
from .table import CommandTable

TABLE = CommandTable(
    (
        STRINGS,
        COUNTERS,
        LCS,
        KEYS,
        EXPIRY,
        SCANNING,
        OBJECT,
        MEMORY,
        CONNECTION,
        CLIENT,
        SERVER,
        MONITORING,
        CONFIG,
        INTROSPECTION,
        INFO,
        CLUSTER,
        PEERS,
        BLOCKS,
    )
)

__all__ = ["TABLE"]
