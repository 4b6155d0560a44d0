"""INCRBYFLOAT's arithmetic: the long double of x86, emulated with integers.

Redis reads with strtold, adds in 80-bit floating point and prints with ``%.17Lf``. Python has no
such type, and a 53-bit float would differ visibly (0.1 + 0.2, or 2**63 + 1). So a number here is
``mantissa * 2**exponent`` in integers, and every step is exact until it is rounded, once, to the
64 bits of the real thing: to nearest, ties to even, with its smallest step of 2**-16445 near zero
and infinity from 2**16384 on.

Limits: numbers beyond about 10**4000 are slow (milliseconds), as their decimals are all written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from memcloud.errors import NotAFloatError

_MANTISSA_BITS: Final = 64
_EXPONENT_MIN: Final = -16445
_INFINITY_EXPONENT: Final = 16384
# Powers of ten beyond which every number is infinite or zero, with room for rounding.
_POWER_MAX: Final = 4940
_POWER_MIN: Final = -4960
_FRACTION_DIGITS: Final = 17
# Redis copies the text into a buffer of 5 * 1024 bytes, its end mark included.
_TEXT_BYTES_MAX: Final = 5 * 1024 - 1
# Python refuses to convert more digits than 4300 at once.
_DIGITS_AT_ONCE: Final = 4000
_SPLIT: Final = 10**_DIGITS_AT_ONCE

# What strtold takes as a whole, without leading blanks; 'nan' is refused later anyway.
_NUMBER: Final = re.compile(
    rb"(?P<sign>[+-]?)(?:"
    rb"(?P<infinite>inf(?:inity)?)"
    rb"|0x(?=\.?[0-9a-f])(?P<hex>[0-9a-f]*)\.?(?P<hex_fraction>[0-9a-f]*)(?:p(?P<two>[+-]?[0-9]+))?"
    rb"|(?=\.?[0-9])(?P<whole>[0-9]*)\.?(?P<fraction>[0-9]*)(?:e(?P<ten>[+-]?[0-9]+))?"
    rb")",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class LongDouble:
    """``mantissa * 2**exponent``; the sign of a zero is not kept, since Redis never shows it."""

    mantissa: int
    exponent: int

    @property
    def is_infinite(self) -> bool:
        """Whether it is too large for any finite number."""
        return self.mantissa.bit_length() + self.exponent > _INFINITY_EXPONENT

    def __add__(self, other: LongDouble) -> LongDouble:
        """Return the sum, rounded; of two finite numbers only."""
        low = min(self.exponent, other.exponent)
        total = (self.mantissa << self.exponent - low) + (other.mantissa << other.exponent - low)
        return _scaled(total, 1, low)

    def text(self) -> bytes:
        """Return a finite number with up to 17 decimals, without trailing zeros."""
        magnitude = abs(self.mantissa) * 10**_FRACTION_DIGITS
        if self.exponent >= 0:
            magnitude <<= self.exponent
        else:
            magnitude = _divided(magnitude, 1 << -self.exponent)
        if not magnitude:
            return b"0"
        whole, fraction = divmod(magnitude, 10**_FRACTION_DIGITS)
        sign = "-" if self.mantissa < 0 else ""
        digits = f"{sign}{_decimal(whole)}.{fraction:0{_FRACTION_DIGITS}}"
        return digits.rstrip("0").rstrip(".").encode()


def parse_long_double(text: bytes) -> LongDouble:
    """Return the number nearest to what is written; it can be infinite if the word says so.

    Raises:
        NotAFloatError: it is no number, or a finite one too large or too close to zero.
    """
    match = _NUMBER.fullmatch(text) if len(text) <= _TEXT_BYTES_MAX else None
    if match is None:
        raise NotAFloatError
    sign = -1 if match["sign"] == b"-" else 1
    if match["infinite"]:
        return LongDouble(sign, _INFINITY_EXPONENT)
    if match["hex"] is not None:
        return _from_hex(sign, match["hex"], match["hex_fraction"], _power(match["two"]))
    return _from_decimal(sign, match["whole"], match["fraction"], _power(match["ten"]))


def _from_hex(sign: int, whole: bytes, fraction: bytes, power: int) -> LongDouble:
    mantissa = int(whole + fraction, 16)
    if not mantissa:
        return LongDouble(0, 0)
    exponent = power - 4 * len(fraction)
    # Before shifting by it: the exponent may be a stranger's 10**9.
    if not _EXPONENT_MIN - 1 <= mantissa.bit_length() + exponent <= _INFINITY_EXPONENT:
        raise NotAFloatError
    return _checked(_scaled(sign * mantissa, 1, exponent))


def _from_decimal(sign: int, whole: bytes, fraction: bytes, power: int) -> LongDouble:
    digits = (whole + fraction).lstrip(b"0")
    if not digits:
        return LongDouble(0, 0)
    power -= len(fraction)
    if not _POWER_MIN <= len(digits) + power <= _POWER_MAX:
        raise NotAFloatError
    mantissa = sign * _integer(digits)
    if power >= 0:
        return _checked(_scaled(mantissa * 10**power, 1, 0))
    return _checked(_scaled(mantissa, 10**-power, 0))


def _checked(number: LongDouble) -> LongDouble:
    if number.is_infinite or not number.mantissa:
        raise NotAFloatError
    return number


def _scaled(numerator: int, denominator: int, exponent: int) -> LongDouble:
    """Return ``numerator / denominator * 2**exponent``, rounded."""
    magnitude = abs(numerator)
    # The quotient has as many bits as this or one more.
    bits = magnitude.bit_length() - denominator.bit_length()
    if _reaches(denominator, bits, magnitude):
        bits += 1
    shift = max(bits - _MANTISSA_BITS, _EXPONENT_MIN - exponent)
    if shift >= 0:
        mantissa = _divided(magnitude, denominator << shift)
    else:
        mantissa = _divided(magnitude << -shift, denominator)
    return LongDouble(mantissa if numerator >= 0 else -mantissa, exponent + shift)


def _reaches(denominator: int, bits: int, magnitude: int) -> bool:
    """Return whether the quotient is at least ``2**bits``."""
    if bits >= 0:
        return denominator << bits <= magnitude
    return denominator <= magnitude << -bits


def _divided(dividend: int, divisor: int) -> int:
    """Return the quotient rounded to nearest, ties to even."""
    quotient, rest = divmod(dividend, divisor)
    if 2 * rest > divisor or (2 * rest == divisor and quotient & 1):
        quotient += 1
    return quotient


def _power(digits: bytes | None) -> int:
    """Return an exponent; one of absurdly many digits only as far as it matters."""
    if not digits:
        return 0
    magnitude = int(digits.lstrip(b"+-").lstrip(b"0")[:10] or b"0")
    return -magnitude if digits.startswith(b"-") else magnitude


def _integer(digits: bytes) -> int:
    head = digits[:-_DIGITS_AT_ONCE]
    return (int(head) if head else 0) * _SPLIT + int(digits[-_DIGITS_AT_ONCE:])


def _decimal(number: int) -> str:
    head, tail = divmod(number, _SPLIT)
    return f"{head}{tail:0{_DIGITS_AT_ONCE}}" if head else str(tail)
