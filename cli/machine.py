"""How much memory there is to lend from."""

from __future__ import annotations

from memcloud.net.control_groups import find_groups


def memory_total_bytes() -> int:
    """Return the RAM that this process may use: the machine's, or its control group's limit.

    In a container or a service the limit is what counts: a quarter of the machine may be all that
    the group is given.
    """
    import psutil

    total_bytes: int = psutil.virtual_memory().total
    limits = [group.limit_bytes() for group in find_groups()]
    return min([total_bytes, *(limit for limit in limits if limit is not None)])
