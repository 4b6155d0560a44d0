"""How many clients the process can have descriptors for.

A client needs one. Others have to be left for the links to the members and for what a process has
open anyway, so that a crowd of clients parts no node from its pool. What is reserved grows with the
limit, from the 32 of Redis up to two links to each of 128 members.
"""

from __future__ import annotations

import contextlib
import resource

RESERVED_MIN = 32
RESERVED_MAX = RESERVED_MIN + 2 * 128


def client_places(wanted: int) -> int:
    """Return how many clients there can be, up to ``wanted``; 0 if there are too few for any.

    The limit of the process is raised as far as that takes, and the system lets it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVED_MAX
    if soft != resource.RLIM_INFINITY and soft < needed:
        most = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        # macOS refuses more than a limit of its kernel, whatever the hard limit says.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(0, min(wanted, soft - reserved(soft)))


def reserved(descriptors: int) -> int:
    """Return how many of so many descriptors are not for clients."""
    return min(RESERVED_MAX, max(RESERVED_MIN, descriptors // 8))
