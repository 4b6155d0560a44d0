"""Replies that are one line or one string: from their text to their value.

Each function takes what stands behind the type's byte (or in the string) and raises
`ProtocolError` when it is not spelled as RESP3 demands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from .errors import ProtocolError
from .integers import parse_integer
from .types import BigNumber, ErrorReply, Reply, Verbatim

BIG_NUMBER_DIGITS_MAX: Final = 4096
"""int() takes quadratic time, and refuses more than 4300 digits."""

_BIG_NUMBER = re.compile(rb"[+-]?[0-9]{1,%d}" % BIG_NUMBER_DIGITS_MAX)
_DOUBLE = re.compile(rb"[+-]?([0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?|inf)|-?nan")

_CONSTANTS: Final[Mapping[bytes, bool]] = {b"t": True, b"f": False}


def _simple_string(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _error(text: bytes) -> ErrorReply:
    return ErrorReply(_simple_string(text))


def _integer(text: bytes) -> int:
    # RESP3 allows a plus sign, of which Redis knows nothing.
    number = parse_integer(text[1:] if text[:1] == b"+" and text[1:2] != b"-" else text)
    if number is None:
        raise ProtocolError("invalid integer in a reply")
    return number


def _big_number(text: bytes) -> BigNumber:
    if not _BIG_NUMBER.fullmatch(text):
        raise ProtocolError("invalid big number in a reply")
    return BigNumber(int(text))


def _double(text: bytes) -> float:
    if not _DOUBLE.fullmatch(text):
        raise ProtocolError("invalid double in a reply")
    return float(text)


def _boolean(text: bytes) -> bool:
    if text not in _CONSTANTS:
        raise ProtocolError("invalid boolean in a reply")
    return _CONSTANTS[text]


def _null(text: bytes) -> None:
    if text:
        raise ProtocolError("invalid null in a reply")


def _bulk_string(data: bytes) -> bytes:
    return data


def _verbatim(data: bytes) -> Verbatim:
    if data[3:4] != b":":
        raise ProtocolError("invalid verbatim string in a reply")
    return Verbatim(_simple_string(data[:3]), data[4:])


LINES: Final[Mapping[bytes, Callable[[bytes], Reply]]] = {
    b"+": _simple_string,
    b"-": _error,
    b":": _integer,
    b",": _double,
    b"#": _boolean,
    b"_": _null,
    b"(": _big_number,
}
"""By their first byte, the types of which the line is all."""

STRINGS: Final[Mapping[bytes, Callable[[bytes], Reply]]] = {
    b"$": _bulk_string,
    b"!": _error,
    b"=": _verbatim,
}
"""By their first byte, the types of which the line tells a length, and a string follows."""
