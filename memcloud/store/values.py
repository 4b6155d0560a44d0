"""What a key can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class BlockPointer:
    """Stands at the id of a block whose bytes another member holds."""

    holder: str  # member name

    def __len__(self) -> int:
        return len(self.holder)


# More types of Redis (lists, hashes, sets, sorted sets, streams) join this union.
Value = bytes | BlockPointer

TYPE_NAMES: Final[dict[type, str]] = {bytes: "string", BlockPointer: "block"}
