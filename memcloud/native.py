"""Which parts of a node run as native modules, and which in plain Python."""

from __future__ import annotations

from typing import Final

from memcloud.resp.parser import ACCELERATED as HAS_NATIVE_PARSER
from memcloud.store.engine import ACCELERATED as HAS_NATIVE_STORE

PARTS: Final = {
    "parser": HAS_NATIVE_PARSER,
    "store": HAS_NATIVE_STORE,
}
"""Every part that has a native form, and whether that one is in use."""


def native_text() -> str:
    """Return the names of the native parts for people and for INFO, ``none`` without any."""
    return ",".join(name for name, is_native in PARTS.items() if is_native) or "none"
