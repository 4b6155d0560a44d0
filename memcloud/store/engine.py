"""The one door to the store: the native one where it has been built, else the readable one.

``MEMCLOUD_PURE``, set to anything but nothing, chooses the readable one. A native one that is there
but broken raises: to go on slowly in silence would help nobody.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Final

from . import keyspace, store

if TYPE_CHECKING:
    from .keyspace import Keyspace
    from .store import Store
else:
    Keyspace, Store = keyspace.Keyspace, store.Store
    if not os.environ.get("MEMCLOUD_PURE"):
        try:
            _native = importlib.import_module("._store_c", __package__)
        except ModuleNotFoundError as error:
            # Not there. Something that it needs itself and does not find is another matter.
            if error.name != f"{__package__}._store_c":
                raise
        else:
            Keyspace, Store = _native.Keyspace, _native.Store

ACCELERATED: Final[bool] = Store is not store.Store
"""Whether the native store is in use."""

__all__ = ["ACCELERATED", "Keyspace", "Store"]
