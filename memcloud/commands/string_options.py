"""The options of SET and GETEX."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from memcloud.errors import SyntaxFault
from memcloud.store import Retention

from .expiry import InvalidExpireTimeError, deadline_ms_from
from .table import Args

if TYPE_CHECKING:
    from .context import Context

# Whether the entry may be evicted, which Redis does not let one say.
RETENTIONS: Final[Mapping[bytes, Retention]] = {
    b"PINNED": Retention.PINNED,
    b"CACHE": Retention.CACHE,
}
SET_WORDS: Final = frozenset(
    (b"NX", b"XX", b"GET", b"KEEPTTL", b"EX", b"PX", b"EXAT", b"PXAT", *RETENTIONS)
)
GETEX_WORDS: Final = frozenset((b"PERSIST", b"EX", b"PX", b"EXAT", b"PXAT"))

# The unit of each word in milliseconds, and whether it counts from 1970.
DEADLINES: Final[Mapping[bytes, tuple[int, bool]]] = {
    b"EX": (1000, False),
    b"PX": (1, False),
    b"EXAT": (1000, True),
    b"PXAT": (1, True),
}
# What each word cannot stand beside. (A word may stand beside itself: the last one counts.)
_FATES: Final = frozenset((*DEADLINES, b"KEEPTTL", b"PERSIST"))
_RIVALS: Final[Mapping[bytes, Set[bytes]]] = {
    b"NX": {b"XX"},
    b"XX": {b"NX"},
    b"GET": set(),
    b"PINNED": {b"CACHE"},
    b"CACHE": {b"PINNED"},
    **{word: _FATES - {word} for word in _FATES},
}


@dataclass(slots=True)
class StringOptions:
    """What SET or GETEX was asked for."""

    is_new_only: bool = False
    is_old_only: bool = False
    is_getting: bool = False
    is_keeping_deadline: bool = False
    is_persisting: bool = False
    deadline: tuple[bytes, bytes] | None = None  # word and number
    retention: Retention = Retention.BY_POLICY


def parse_options(words: Args, allowed: Set[bytes]) -> StringOptions:
    """Read options in any order.

    Raises:
        SyntaxFault: one of them is not ``allowed``, lacks its number, or excludes another.
    """
    given: dict[bytes, bytes | None] = {}
    rest = iter(words)
    for word in rest:
        option = word.upper()
        if option not in allowed or _RIVALS[option] & given.keys():
            raise SyntaxFault
        number = next(rest, None) if option in DEADLINES else None
        if option in DEADLINES and number is None:
            raise SyntaxFault
        given[option] = number
    deadline = next(((word, n) for word, n in given.items() if n is not None), None)
    return StringOptions(
        is_new_only=b"NX" in given,
        is_old_only=b"XX" in given,
        is_getting=b"GET" in given,
        is_keeping_deadline=b"KEEPTTL" in given,
        is_persisting=b"PERSIST" in given,
        deadline=deadline,
        retention=_retention(given),
    )


def _retention(given: Mapping[bytes, bytes | None]) -> Retention:
    asked = (retention for word, retention in RETENTIONS.items() if word in given)
    return next(asked, Retention.BY_POLICY)


def deadline_from(context: Context, options: StringOptions) -> int | None:
    """Return the deadline that was asked for, on the node's clock; None if none was.

    Raises:
        NotAnIntegerError: it is no number.
        InvalidExpireTimeError: it is not positive, or too large for 64 bits.
    """
    if options.deadline is None:
        return None
    return positive_deadline_ms(context, *options.deadline)


def positive_deadline_ms(context: Context, word: bytes, number: bytes) -> int:
    """Return the deadline that EX, PX, EXAT or PXAT gives; errors as in `deadline_from`."""
    unit_ms, is_absolute = DEADLINES[word]
    deadline_ms = deadline_ms_from(context, number, unit_ms=unit_ms, is_absolute=is_absolute)
    if number[:1] in (b"-", b"0"):  # what is no number has been refused
        raise InvalidExpireTimeError(context)
    return deadline_ms
