"""Sizes and durations as people write them."""

from __future__ import annotations

import re

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%")
_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)?")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# Less than this is a slip of the keyboard, and holds next to nothing.
SIZE_BYTES_MIN = 1 << 20


def parse_size(text: str, total_bytes: int) -> int:
    """Return a size in bytes: ``512mb``, ``4g``, a plain number, or ``25%`` of ``total_bytes``.

    Units are powers of 1024, with or without the b: 4g, 4gb and 4GiB are the same.

    Raises:
        ValueError: it is none of these, or below 1 MiB.
    """
    if percent := _PERCENT.fullmatch(text.strip()):
        if float(percent[1]) > 100:
            raise ValueError("more than 100% of the memory does not exist")
        size_bytes = int(total_bytes * float(percent[1]) / 100)
    elif size := _SIZE.fullmatch(text.strip()):
        size_bytes = int(float(size[1]) * (1 << _UNITS[size[2].lower()]))
    else:
        raise ValueError("a size is written like 512mb, 4g or 25%")
    if size_bytes < SIZE_BYTES_MIN:
        raise ValueError("it must be at least 1mb")
    return size_bytes


def parse_duration(text: str) -> int:
    """Return a duration in milliseconds: ``500ms``, ``90s``, ``5m``, ``2h``, ``1d``, or seconds.

    Raises:
        ValueError: it is none of these, or zero.
    """
    match = _DURATION.fullmatch(text.strip())
    duration_ms = int(float(match[1]) * _MILLISECONDS[match[2] or "s"]) if match else 0
    if duration_ms < 1:
        raise ValueError("a duration is written like 500ms, 90s or 5m")
    return duration_ms


def duration_text(duration_ms: int) -> str:
    """Return a duration in the largest unit that it fills: ``41m``."""
    fitting = (unit for unit in reversed(_MILLISECONDS) if duration_ms >= _MILLISECONDS[unit])
    unit = next(fitting, "ms")
    return f"{duration_ms // _MILLISECONDS[unit]}{unit}"
