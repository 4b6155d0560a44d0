"""The verdict without a search, where keys are only read and set, each time to another value.

Gibbons and Korach (1997): the operations with one value, its write and its reads, make a zone from
the first return among them to the last call. If the return comes first, the key had this value
throughout the zone; if not, at some moment between the call and the return. So two zones of the
first sort must not overlap, and none of the second sort may lie within one of the first.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from .operations import Kind, Operation, Outcome

Group = list[Operation]


def maybe_groups(operations: Sequence[Operation]) -> list[Group] | None:
    """Return the operations by value, None where zones cannot judge.

    What has no effect on any reply is left out: unread writes of unknown outcome.
    """
    # The key begins without a value.
    beginning = Operation(b"", Kind.SET, b"", -math.inf, -math.inf)
    groups: dict[bytes | int | None, Group] = {None: [beginning]}
    for operation in operations:
        if operation.kind is Kind.SET:
            if operation.argument in groups:
                return None
            groups[operation.argument] = [operation]
        elif operation.kind is not Kind.GET:
            return None
    for operation in operations:
        if operation.kind is Kind.GET and operation.outcome is Outcome.OK:
            if operation.result not in groups:
                return None  # read and never written: the search will say so
            groups[operation.result].append(operation)
    return [group for group in groups.values() if len(group) > 1 or group[0].outcome is Outcome.OK]


def maybe_conflict(groups: list[Group]) -> list[Operation] | None:
    """Return operations that no order can explain, None if there is one for all."""
    lasting: list[tuple[float, float, Group]] = []
    passing: list[tuple[float, float, Group]] = []
    for group in groups:
        first_return = min(operation.returned for operation in group)
        last_call = max(operation.called for operation in group)
        if first_return < group[0].called:
            return group  # read before it was written
        if first_return < last_call:
            lasting.append((first_return, last_call, group))
        else:
            passing.append((last_call, first_return, group))
    lasting.sort(key=lambda zone: zone[0])
    for (_, end, group), (begin, _, following) in pairwise(lasting):
        if begin < end:
            return group + following
    begins = [begin for begin, _, _ in lasting]
    for begin, end, group in passing:
        before = bisect_right(begins, begin) - 1
        if before >= 0 and lasting[before][0] < begin and end < lasting[before][1]:
            return lasting[before][2] + group
    return None
