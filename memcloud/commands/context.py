"""What a handler is given: who asks, on which node, which data, and the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memcloud.node import Node
    from memcloud.session import Session
    from memcloud.store import Keyspace


class Context:
    """The circumstances of a call. One lives as long as its session; `now_ms` is set per batch.

    ``now_ms`` is the same for all commands that arrived together, so that a batch sees one time.
    """

    __slots__ = ("node", "now_ms", "session")

    def __init__(self, node: Node, session: Session) -> None:
        self.node = node
        self.session = session
        self.now_ms = 0

    @property
    def keys(self) -> Keyspace:
        """The database that the session has selected."""
        return self.node.store.databases[self.session.database]
