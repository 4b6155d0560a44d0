"""Commands over several owners: the parts of a plan, and where each of them runs.

A gatherer is a generator: it yields the parts that can run at the same time, is sent their
replies in the same order, and goes on (or returns the answer). It knows nothing of peers, frames
or time; the node runs parts that belong to itself at once and forwards the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memcloud.errors import CommandError
from memcloud.resp import ErrorReply, Reply

from .table import Args


@dataclass(frozen=True, slots=True)
class Part:
    """A command for one member of the cluster; its reply comes decoded, as RESP3 types."""

    member: str
    args: Args


@dataclass(frozen=True, slots=True)
class Connect:
    """A peer port to link up with; the reply is OK or an error that says why not."""

    host: str
    port: int


Step = Part | Connect


def checked(replies: Sequence[Reply]) -> Sequence[Reply]:
    """Return the replies of parts; raise the first error among them as a `CommandError`."""
    for reply in replies:
        if isinstance(reply, ErrorReply):
            raise CommandError(reply.text)
    return replies
