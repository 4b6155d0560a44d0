"""How long things take, and how much of them there may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .table import Member

HEARTBEAT_MS = 200
SUSPECT_MS = 1200
"""Silence after which a member is given up."""

PARTED_MS = 8000
"""How long one of two members that did not hear each other is kept out."""

LEASE_MS = 2000
"""How long an acknowledged heartbeat lets its sender serve, from when it was sent."""

GRANT_MS = 2120
"""The same from when it was acknowledged, by another clock: both may be off by 2 percent, and once
more, since the age of the acknowledgement is measured by a third."""

DRIFT = 0.02
"""By how much a clock may run faster than another."""

RESEND_MS = 100
PROPOSAL_MS = 800
OPEN_PROMISE_MS = 600
"""When a device that has promised, and learns of no outcome, sees to one itself."""

REQUEST_MS = 5000
"""How long a client's command waits for its slot to be served."""

RESEND_REQUEST_MS = 300
RETRY_REQUEST_MS = 20
JOIN_MS = 200
START_MS = 1500
"""How long a node looks for others before it founds a cluster."""

ISOLATED_MS = 8000
PLEDGE_MS = 600
"""How long the founder of a cluster waits for the pledges of others who are cut off."""

PLEDGED_MS = 3000
"""How long one who has pledged itself waits for the cluster to be founded."""

BEACON_MS = 500
ATTEMPT_MS = 5000
"""A copy that has not moved on for that long is given up."""

ORDER_MS = 100
BATCH_SLOTS = 4096
"""Empty slots cost next to nothing each, and every batch a change of the table."""

BATCH_BYTES = 64 * 1024 * 1024
CHUNK_BYTES = 32 * 1024
"""When a message with parts of slots is full: a tenth of a second at 3 Mbit/s."""

WINDOW_CHUNKS = 16


class Isolation(StrEnum):
    """What becomes of members that are cut off from the quorum."""

    AUTO = "auto"  # they found a cluster, with the data if they have all of it
    FRESH = "fresh"  # they found an empty one
    REFUSE = "refuse"  # they wait


Weights = tuple[tuple[Member, int], ...]
Targets = Callable[[Weights, int], Sequence[tuple[Member, ...]]]
"""Says for each slot who is to hold it at last, the primary first: that many members, or all.

The primary is the same however many are asked for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a node was started with."""

    device: str
    weight: int  # the RAM in bytes that it offers
    slot_count: int
    targets: Targets
    replicas: int = 1
    isolation: Isolation = Isolation.AUTO
    start_ms: int = START_MS
    chunk_bytes: int = CHUNK_BYTES
