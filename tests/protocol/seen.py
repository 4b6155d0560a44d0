"""What the clients of a run have seen, and whether one register for each key explains it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from memcloud.protocol.table import NO_CLUSTER, Cluster
from tests.histories import Kind, Operation, Outcome
from tests.histories.checking import narrowest
from tests.histories.linearizability import Verdict, search
from tests.histories.register import WHATEVER


@dataclass
class Seen:
    """All operations; those of unknown outcome may be of any cluster."""

    operations: list[tuple[Cluster, Operation]] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    longest_gap_ms: float = 0.0
    last_done_ms: float = 0.0

    def of(self, cluster: Cluster) -> list[Operation]:
        """Return what a cluster has answered, and what it may have run; NO_CLUSTER: everything."""
        return [
            operation
            for answered, operation in self.operations
            if NO_CLUSTER in (cluster, answered) or answered == cluster
        ]


def start_over(key: bytes, since_ms: float, until_ms: float) -> Operation:
    """Return the fact that a key was emptied at some moment between two times."""
    return Operation(key, Kind.WIPE, b"", since_ms, until_ms, Outcome.OK)


def complaint(operations: Iterable[Operation], *, is_fork: bool) -> str | None:
    """Return what is wrong with the history of one cluster, or None.

    That of a fork begins with whatever the keys were then.
    """
    by_key: dict[bytes, list[Operation]] = {}
    for operation in operations:
        by_key.setdefault(operation.key, []).append(operation)
    for key, of_key in sorted(by_key.items()):
        verdict = search(of_key, WHATEVER if is_fork else None)
        if verdict is Verdict.VIOLATION:
            window = "\n  ".join(map(str, narrowest(of_key)))
            return f"no order explains what was said of {key!r}:\n  {window}"
        if verdict is Verdict.UNDECIDED:
            return f"too hard to decide whether {key!r} was right"
    return None
