"""How much of a stranger's request is believed before its bytes are here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Limits:
    """Bounds that the parser checks before it gives any memory.

    The figures are those of Redis 7 (`PROTO_INLINE_MAX_SIZE`, `proto-max-bulk-len`, and the
    smaller ones for clients that have not authenticated yet).
    """

    bulk_bytes_max: int = 512 * 1024 * 1024
    arguments_max: int = 1024 * 1024
    inline_bytes_max: int = 64 * 1024
    digits_max: int = 19


UNAUTHENTICATED_ARGUMENTS_MAX = 10
UNAUTHENTICATED_BULK_BYTES_MAX = 16384
