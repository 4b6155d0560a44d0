"""How a member is called where 40 hex digits are expected, as in CLUSTER NODES."""

from __future__ import annotations

import hashlib
from functools import lru_cache


@lru_cache(maxsize=1024)
def member_id(device: str, incarnation: int) -> str:
    """Return the name of one run of a device."""
    return hashlib.blake2b(f"{device} {incarnation}".encode(), digest_size=20).hexdigest()
