"""Which connections CLIENT LIST and CLIENT KILL are about."""

from __future__ import annotations

from collections.abc import Callable

from memcloud.errors import CommandError, NotAnIntegerError, SyntaxFault, echoed
from memcloud.session import Session

from .numbers import parse_integer
from .table import Args

# Only normal clients exist here; of the other types there are none.
TYPES = (b"normal", b"master", b"slave", b"replica", b"pubsub")

Filter = Callable[[Session], bool]


def kill_filters(words: Args) -> tuple[list[Filter], bool]:
    """Return the filters that CLIENT KILL is given, and whether it spares the connection itself."""
    filters: list[Filter] = []
    skip_me = True
    for index in range(0, len(words), 2):
        if index + 1 == len(words):
            raise SyntaxFault
        option, word = words[index].upper(), words[index + 1]
        if option == b"SKIPME":
            skip_me = _yes(word)
        else:
            filters.append(_kill_filter(option, word))
    return filters, skip_me


def _kill_filter(option: bytes, word: bytes) -> Filter:
    text = word.decode("utf-8", "surrogateescape")
    if option == b"ID":
        identifier = _killed_id(word)
        return lambda session: session.id == identifier
    if option == b"TYPE":
        is_normal = checked_type(word) == b"normal"
        return lambda session: is_normal
    if option == b"ADDR":
        return lambda session: session.address == text
    if option == b"LADDR":
        return lambda session: session.local_address == text
    if option == b"USER":
        if text != "default":
            raise CommandError(f"ERR No such user '{echoed(word)}'")
        return lambda session: session.user == text
    raise SyntaxFault


def checked_type(word: bytes) -> bytes:
    """Return a type of clients in lower case; raise `CommandError` if there is no such type."""
    if word.lower() not in TYPES:
        raise CommandError(f"ERR Unknown client type '{echoed(word)}'")
    return word.lower()


def listed_id(word: bytes) -> int:
    """Return a number of a connection as CLIENT LIST takes it."""
    try:
        return parse_integer(word)
    except NotAnIntegerError:
        raise CommandError("ERR Invalid client ID") from None


def _killed_id(word: bytes) -> int:
    try:
        identifier = parse_integer(word)
    except NotAnIntegerError:
        identifier = 0
    if identifier < 1:
        raise CommandError("ERR client-id should be greater than 0")
    return identifier


def _yes(word: bytes) -> bool:
    if word.upper() not in (b"YES", b"NO"):
        raise SyntaxFault
    return word.upper() == b"YES"
