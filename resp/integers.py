"""Integers as they are written on the wire."""

from __future__ import annotations

from typing import Final

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

DIGITS_MAX: Final = 19
"""As many digits as 2**63 has; a longer text is not even looked at."""

LENGTH_HEADERS: Final = {b"$%d" % length: length for length in range(1025)}
"""The header of a string as nearly all have it: one look-up reads and checks the number."""

_ZERO: Final = ord("0")


def parse_integer(text: bytes) -> int | None:
    """The 64-bit integer that ``text`` is the one spelling of, or None.

    Stricter than ``int()``: no ``+``, no leading zero, no ``-0``, no blanks or underscores. With
    one spelling to a number, two programs cannot read the same bytes differently.
    """
    digits = text.removeprefix(b"-")
    # isdigit() of bytes knows the ten ASCII digits alone, unlike that of str.
    if len(digits) > DIGITS_MAX or not digits.isdigit():
        return None
    if digits[0] == _ZERO and text != b"0":
        return None
    number = int(text)
    return number if INT64_MIN <= number <= INT64_MAX else None
