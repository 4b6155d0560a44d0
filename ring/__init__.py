"""Placement: key to slot to owner. Pure: the same members give the same table everywhere."""

from .balance import SHARE_SLOTS_MIN, TOLERANCE, target_table
from .copies import holders
from .hashing import SLOTS, hash64, key_slot
from .plan import Move, diff
from .ring import Share
from .table import SlotTable

__all__ = [
    "SHARE_SLOTS_MIN",
    "SLOTS",
    "TOLERANCE",
    "Move",
    "Share",
    "SlotTable",
    "diff",
    "hash64",
    "holders",
    "key_slot",
    "target_table",
]
