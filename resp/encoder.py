r"""Replies to bytes; types.py says what becomes of each type in RESP2 and in RESP3.

Simple strings and errors end at the first line end, so that a text which quotes a client could
forge further replies: CR, LF and NUL in them become blanks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .types import (
    Attribute,
    BigNumber,
    ErrorReply,
    NullArray,
    Push,
    Raw,
    Reply,
    SetReply,
    Verbatim,
)

_Appender = Callable[[list[bytes], Any, int], None]
"""Appends the pieces of a reply of one type, in the protocol of the number."""

_RESP2: Final = 2

_INTEGERS: Final = [b":%d\r\n" % number for number in range(1024)]
_STRINGS: Final = {text: b"+%b\r\n" % text.encode() for text in ("OK", "PONG", "QUEUED")}
_BLANKS: Final = str.maketrans("\r\n\0", "   ")


def encode(reply: Reply, protocol: int) -> bytes:
    """The bytes of ``reply`` in RESP ``protocol``, which is 2 or 3.

    A reply that nests deeper than Python's recursion goes raises `RecursionError`, and a value
    that is no `Reply` raises `TypeError`.
    """
    # The commonest replies need no list of pieces.
    if type(reply) is bytes:
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    if type(reply) is int:
        return _integer(reply)
    if type(reply) is str:
        return _STRINGS.get(reply) or _line(b"+", reply)
    pieces: list[bytes] = []
    _append(pieces, reply, protocol)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def encode_request(arguments: Sequence[bytes]) -> bytes:
    """The bytes of a request with these arguments, as clients send it."""
    if len(arguments) == 2:  # GET and its kin
        name, key = arguments
        return b"*2\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(name), name, len(key), key)
    pieces = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        pieces += (b"$%d\r\n" % len(argument), argument, b"\r\n")
    return b"".join(pieces)


def _append(pieces: list[bytes], reply: Reply, protocol: int) -> None:
    append = _APPENDERS.get(type(reply)) or _appender_of_subclass(reply)
    append(pieces, reply, protocol)


def _appender_of_subclass(reply: object) -> _Appender:
    """For enums, named tuples and the like: what their base class would get."""
    for base, append in _BASES:
        if isinstance(reply, base):
            return append
    raise TypeError(f"no reply: {type(reply).__name__}")


def _integer(number: int) -> bytes:
    return _INTEGERS[number] if 0 <= number < 1024 else b":%d\r\n" % number


def _line(kind: bytes, text: str) -> bytes:
    """A line of ``text`` as UTF-8, where surrogates stand for bytes that are none."""
    return b"%b%b\r\n" % (kind, text.translate(_BLANKS).encode("utf-8", "surrogateescape"))


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


def _append_items(pieces: list[bytes], kind: bytes, items: Sequence[Reply], protocol: int) -> None:
    pieces.append(b"%b%d\r\n" % (kind, len(items)))
    for item in items:
        if type(item) is bytes:
            pieces.append(b"$%d\r\n%b\r\n" % (len(item), item))
        else:
            _append(pieces, item, protocol)


def _append_pairs(pieces: list[bytes], pairs: Mapping[Reply, Reply], protocol: int) -> None:
    for key, value in pairs.items():
        _append(pieces, key, protocol)
        _append(pieces, value, protocol)


def _append_null(pieces: list[bytes], reply: None, protocol: int) -> None:
    pieces.append(b"$-1\r\n" if protocol == _RESP2 else b"_\r\n")


def _append_null_array(pieces: list[bytes], reply: NullArray, protocol: int) -> None:
    pieces.append(b"*-1\r\n" if protocol == _RESP2 else b"_\r\n")


def _append_boolean(pieces: list[bytes], reply: bool, protocol: int) -> None:
    if protocol == _RESP2:
        pieces.append(_integer(int(reply)))
    else:
        pieces.append(b"#t\r\n" if reply else b"#f\r\n")


def _append_integer(pieces: list[bytes], reply: int, protocol: int) -> None:
    pieces.append(_integer(reply))


def _append_double(pieces: list[bytes], reply: float, protocol: int) -> None:
    # 17 significant digits, as Redis 7.0 prints them, name each double exactly.
    text = b"%.17g" % reply
    pieces.append(_bulk(text) if protocol == _RESP2 else b",%b\r\n" % text)


def _append_bulk(pieces: list[bytes], reply: bytes, protocol: int) -> None:
    pieces.append(_bulk(reply))


def _append_simple_string(pieces: list[bytes], reply: str, protocol: int) -> None:
    pieces.append(_line(b"+", reply))


def _append_error(pieces: list[bytes], reply: ErrorReply, protocol: int) -> None:
    pieces.append(_line(b"-", reply.text))


def _append_array(pieces: list[bytes], reply: Sequence[Reply], protocol: int) -> None:
    _append_items(pieces, b"*", reply, protocol)


def _append_set(pieces: list[bytes], reply: SetReply, protocol: int) -> None:
    _append_items(pieces, b"*" if protocol == _RESP2 else b"~", reply.items, protocol)


def _append_push(pieces: list[bytes], reply: Push, protocol: int) -> None:
    _append_items(pieces, b"*" if protocol == _RESP2 else b">", reply.items, protocol)


def _append_map(pieces: list[bytes], reply: Mapping[Reply, Reply], protocol: int) -> None:
    if protocol == _RESP2:
        pieces.append(b"*%d\r\n" % (2 * len(reply)))
    else:
        pieces.append(b"%%%d\r\n" % len(reply))
    _append_pairs(pieces, reply, protocol)


def _append_attribute(pieces: list[bytes], reply: Attribute, protocol: int) -> None:
    if protocol != _RESP2:
        pieces.append(b"|%d\r\n" % len(reply.notes))
        _append_pairs(pieces, reply.notes, protocol)
    _append(pieces, reply.value, protocol)


def _append_verbatim(pieces: list[bytes], reply: Verbatim, protocol: int) -> None:
    if protocol == _RESP2:
        pieces.append(_bulk(reply.data))
        return
    form = reply.form.encode("utf-8", "surrogateescape")
    assert len(form) == 3, "the other side takes three bytes for the form"
    pieces.append(b"=%d\r\n%b:%b\r\n" % (len(reply.data) + 4, form, reply.data))


def _append_big_number(pieces: list[bytes], reply: BigNumber, protocol: int) -> None:
    text = b"%d" % reply.value
    pieces.append(_bulk(text) if protocol == _RESP2 else b"(%b\r\n" % text)


def _append_raw(pieces: list[bytes], reply: Raw, protocol: int) -> None:
    pieces.append(reply.data)


_APPENDERS: Final[dict[type, _Appender]] = {
    type(None): _append_null,
    NullArray: _append_null_array,
    bool: _append_boolean,
    int: _append_integer,
    float: _append_double,
    bytes: _append_bulk,
    str: _append_simple_string,
    list: _append_array,
    tuple: _append_array,
    dict: _append_map,
    SetReply: _append_set,
    Push: _append_push,
    Verbatim: _append_verbatim,
    BigNumber: _append_big_number,
    Attribute: _append_attribute,
    ErrorReply: _append_error,
    Raw: _append_raw,
}

# Sequence comes last, since str and bytes are sequences, too.
_BASES: Final[tuple[tuple[type, _Appender], ...]] = (
    *_APPENDERS.items(),
    (Mapping, _append_map),
    (Sequence, _append_array),
)
