"""Integers as clients write them in arguments and values."""

from __future__ import annotations

from memcloud.errors import CommandError, NotAnIntegerError
from memcloud.resp.integers import INT64_MAX, INT64_MIN
from memcloud.resp.integers import parse_integer as parse_spelling

__all__ = ["INT32_MAX", "INT32_MIN", "INT64_MAX", "INT64_MIN", "is_integer", "parse_integer"]

INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1


def is_integer(text: bytes) -> bool:
    """Return whether ``text`` is the one spelling of a 64-bit integer."""
    return parse_spelling(text) is not None


def parse_integer(text: bytes) -> int:
    """Return the 64-bit integer that ``text`` is the one spelling of.

    Raises:
        NotAnIntegerError: it is something else, be it ``+1``, ``01``, ``-0`` or ``1 ``.
    """
    number = parse_spelling(text)
    if number is None:
        raise NotAnIntegerError
    return number


def parse_int32(text: bytes) -> int:
    """Return a 32-bit integer.

    Raises:
        NotAnIntegerError: it is no 64-bit integer.
        CommandError: it is one that needs more than 32 bits.
    """
    number = parse_integer(text)
    if not INT32_MIN <= number <= INT32_MAX:
        raise CommandError(
            f"ERR value is out of range, value must between {INT32_MIN} and {INT32_MAX}"
        )
    return number
