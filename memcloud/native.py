"""Which parts of a node run as native modules, and which in plain Python."""

from __future__ import annotations

from memcloud.fast import ACCELERATED as HAS_NATIVE_SESSIONS
from memcloud.resp.parser import ACCELERATED as HAS_NATIVE_PARSER
from memcloud.store.engine import ACCELERATED as HAS_NATIVE_STORE


def native_modules() -> list[str]:
    """Return the names of the parts that are native here; none in a build without a compiler."""
    parts = {
        "parser": HAS_NATIVE_PARSER,
        "store": HAS_NATIVE_STORE,
        "session": HAS_NATIVE_SESSIONS,
    }
    return [name for name, is_native in parts.items() if is_native]


def native_text() -> str:
    """Return the same for people and for INFO."""
    return ",".join(native_modules()) or "none"
