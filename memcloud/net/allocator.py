"""Gives freed memory back to the operating system, where the C library can be asked for it.

glibc keeps what was freed in the middle of its heap for the next request, for good; `malloc_trim`
returns every whole page of it. musl and macOS have no such function, and nothing is done there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def _find_trim() -> Callable[[int], int] | None:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    trim.argtypes = [ctypes.c_size_t]
    trim.restype = ctypes.c_int
    return lambda pad_bytes: int(trim(pad_bytes))


_trim = _find_trim()


def return_memory() -> bool:
    """Return pages that hold nothing any more; True if some went, False if none or impossible."""
    return _trim is not None and _trim(0) == 1
