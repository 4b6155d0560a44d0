"""Where the bytes of a client arrive: natively if there are native sessions, else here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from memcloud.fast import ACCELERATED, FastSession

RECEIVE_BYTES: Final = 128 * 1024

# All connections share one, since what arrives is taken before the loop turns to the next one.
_SHARED = memoryview(bytearray(RECEIVE_BYTES))


class ReadablePort:
    """The part of a buffered protocol that takes bytes."""

    def __init__(self) -> None:
        self._is_attached = False

    def attach(
        self,
        session: FastSession | None,
        write: Callable[[bytes], None],
        write_all: Callable[[Iterable[bytes]], None],
    ) -> None:
        """Begin to take what the client sends."""
        self._is_attached = True

    def detach(self) -> None:
        """Take nothing more."""
        self._is_attached = False

    def received(self, data: memoryview) -> None:
        """Run what has arrived; to be overridden."""
        raise NotImplementedError

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the next bytes are to be written."""
        return _SHARED

    def buffer_updated(self, nbytes: int) -> None:
        """Take so many bytes."""
        if self._is_attached:
            self.received(_SHARED[:nbytes])


if TYPE_CHECKING or not ACCELERATED:
    Port = ReadablePort
else:
    Port = importlib.import_module("memcloud._session_c").Port

__all__ = ["Port"]
