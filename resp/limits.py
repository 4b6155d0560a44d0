"""How much of a stranger's bytes is believed before they are here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from .errors import ProtocolError
from .integers import DIGITS_MAX

BULK_BYTES_MAX: Final = 512 * 1024 * 1024
ARGUMENTS_MAX: Final = 1024 * 1024
LINE_BYTES_MAX: Final = 64 * 1024

# What Redis grants to a client that has not given its password yet.
UNAUTHENTICATED_ARGUMENTS_MAX: Final = 10
UNAUTHENTICATED_BULK_BYTES_MAX: Final = 16384

# No reply of ours comes near: COMMAND DOCS, the deepest one, nests eight levels.
DEPTH_MAX: Final = 128


@dataclass(slots=True)
class Limits:
    """Bounds that the parser checks before it gives any memory.

    The figures are those of Redis 7.0 (`proto-max-bulk-len`, `PROTO_INLINE_MAX_SIZE`), except for
    ``arguments_max``: Redis 7.0 believes in 2**31 - 1 arguments, its forerunners in these.

    A limit that is not above its ``UNAUTHENTICATED_`` figure is taken to be there because the
    client has not authenticated, and its error says so.
    """

    bulk_bytes_max: int = BULK_BYTES_MAX
    arguments_max: int = ARGUMENTS_MAX
    inline_bytes_max: int = LINE_BYTES_MAX
    digits_max: ClassVar[int] = DIGITS_MAX

    def too_many_arguments(self, count: int) -> ProtocolError:
        """The error for a request of ``count`` arguments, which is above ``arguments_max``."""
        if self.arguments_max <= UNAUTHENTICATED_ARGUMENTS_MAX and count <= ARGUMENTS_MAX:
            return ProtocolError("Protocol error: unauthenticated multibulk length")
        return ProtocolError("Protocol error: invalid multibulk length")

    def too_long_argument(self, length: int) -> ProtocolError:
        """The error for an argument of ``length`` bytes, which is above ``bulk_bytes_max``."""
        if self.bulk_bytes_max <= UNAUTHENTICATED_BULK_BYTES_MAX and length <= BULK_BYTES_MAX:
            return ProtocolError("Protocol error: unauthenticated bulk length")
        return ProtocolError("Protocol error: invalid bulk length")


@dataclass(slots=True)
class ReplyLimits:
    """Bounds that the decoder of replies checks before it gives any memory.

    ``elements_max`` is of one array, set or map, a pair counting as one; ``depth_max`` is how many
    of them lie in one another at most. Programs walk replies by recursion, so that a deep one
    would break them.
    """

    bulk_bytes_max: int = BULK_BYTES_MAX
    elements_max: int = 2**31 - 1
    depth_max: int = DEPTH_MAX
    line_bytes_max: int = LINE_BYTES_MAX
