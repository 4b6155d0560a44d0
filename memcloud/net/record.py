"""What a node must not forget when it stops: a few bytes in a file, whole or not at all.

    file = magic SHA-256 content

The hash tells a file that a disk or a person has damaged from a good one. To go on without the
record would break promises made to other devices, so a damaged one stops the start, and the way
out is to become another device, to which nobody was promised anything.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from memcloud.errors import StateError

from . import private_files

MAGIC = b"memcloud record 1\n"
HASH_BYTES = hashlib.sha256().digest_size


class Record:
    """The record of one device."""

    def __init__(self, path: Path, device_path: Path) -> None:
        """``device_path`` is the file of its device, which an error text names."""
        self.path = path
        self._device_path = device_path

    def save(self, content: bytes) -> None:
        """Write the record; it is on the disk when this returns.

        Raises:
            StateError: it cannot be written; the one before is there still.
        """
        private_files.replace(self.path, MAGIC + hashlib.sha256(content).digest() + content)

    def load(self) -> bytes | None:
        """Return what was saved last, None if nothing was.

        Raises:
            StateError: it cannot be read, or is damaged.
        """
        data = private_files.maybe_read_private(self.path)
        if data is None:
            return None
        head, content = data[: len(MAGIC) + HASH_BYTES], data[len(MAGIC) + HASH_BYTES :]
        if head != MAGIC + hashlib.sha256(content).digest():
            raise StateError(
                f"{self.path} is damaged; bring it back from a copy, or remove it together with"
                f" {self._device_path} to make this node a new device"
            )
        return content
