"""What one client saw of one command."""

from __future__ import annotations

from dataclasses import dataclass

from memcloud.protocol.table import NO_CLUSTER, Cluster

FOREVER = float("inf")


@dataclass(slots=True)
class Operation:
    """One command and what became of it."""

    name: str  # set, get, incr
    key: str
    value: str  # that was written
    called_ms: float
    returned_ms: float = FOREVER  # for ever: unknown
    reply: str = ""
    cluster: Cluster = NO_CLUSTER  # that has answered; if unknown, it may have been any
