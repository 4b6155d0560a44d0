"""What can go wrong with a measurement."""

from __future__ import annotations


class BenchError(Exception):
    """The measurement cannot be made here, or a server failed in it; the sentence says why."""
