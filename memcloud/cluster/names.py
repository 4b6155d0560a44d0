"""How a member is called where 40 hex digits are expected, as in CLUSTER NODES."""

from __future__ import annotations

import hashlib
from functools import lru_cache


def cluster_id(cluster: tuple[int, int]) -> str:
    """Return the name of a cluster: when it was founded (Unix ms), and a random number."""
    return "{}-{:016x}".format(*cluster)


@lru_cache(maxsize=1024)
def member_id(device: str, incarnation: int) -> str:
    """Return the name of one run of a device."""
    return hashlib.blake2b(f"{device} {incarnation}".encode(), digest_size=20).hexdigest()
