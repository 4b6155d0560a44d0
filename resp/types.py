"""What a reply can be, beyond Python's own types.

==========================  =======================  =================================
Python value                RESP3                    RESP2
==========================  =======================  =================================
``None``                    null ``_``               null bulk ``$-1``
``NULL_ARRAY``              null ``_``               null array ``*-1``
``bool``                    boolean ``#t``           integer ``:1``
``int``                     integer ``:``            integer ``:``
``float``                   double ``,``             bulk string
``bytes``                   bulk string ``$``        bulk string ``$``
``str``                     simple string ``+``      simple string ``+``
``list``, ``tuple``         array ``*``              array ``*``
``dict``                    map ``%``                flat array ``*``
``SetReply``                set ``~``                array ``*``
``Push``                    push ``>``               array ``*``
``Verbatim``                verbatim string ``=``    bulk string ``$``
``BigNumber``               big number ``(``         bulk string ``$``
``Attribute``               attribute ``|`` + value  the value alone
``ErrorReply``              error ``-``              error ``-``
``Raw``                     copied as it is          copied as it is
==========================  =======================  =================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Union


class NullArray:
    """The type of `NULL_ARRAY`: 'no list here', which RESP2 tells from 'no string here'."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NULL_ARRAY"


NULL_ARRAY: Final = NullArray()


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error, ``text`` being code and message: ``ERR unknown command``."""

    text: str


@dataclass(frozen=True, slots=True)
class SetReply:
    """A set, in the order in which it is to be sent."""

    items: Sequence[Reply]


@dataclass(frozen=True, slots=True)
class Push:
    """A message that answers no command; ``items[0]`` names its kind."""

    items: Sequence[Reply]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text for people; ``form`` is three letters, ``txt`` or ``mkd``."""

    form: str
    data: bytes


@dataclass(frozen=True, slots=True)
class BigNumber:
    """An integer that may need more than 64 bits."""

    value: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value with notes about it, which RESP2 clients do not see."""

    notes: Mapping[Any, Reply]
    value: Reply


@dataclass(frozen=True, slots=True)
class Raw:
    """One or more replies that are encoded already."""

    data: bytes


Reply = Union[  # noqa: UP007 - the string names inside need the older spelling
    None,
    NullArray,
    bool,
    int,
    float,
    bytes,
    str,
    ErrorReply,
    Sequence["Reply"],
    Mapping[Any, "Reply"],
    SetReply,
    Push,
    Verbatim,
    BigNumber,
    Attribute,
    Raw,
]
