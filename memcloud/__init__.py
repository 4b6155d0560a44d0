"""MemCloud: the idle RAM of the machines on a network as one cache that speaks Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .version import VERSION as __version__

if TYPE_CHECKING:
    from .sdk import MemCloud

__all__ = ["MemCloud", "__version__"]


def __getattr__(name: str) -> object:
    # The client needs redis-py, which a node does not, and which is slow to import.
    if name == "MemCloud":
        from .sdk import MemCloud

        return MemCloud
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
