"""Values by their type, as the commands of each type want them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.errors import WrongTypeError

if TYPE_CHECKING:
    from memcloud.store import Keyspace


def string_at(keys: Keyspace, key: bytes) -> bytes | None:
    """Return the string at a key, None if there is nothing.

    Raises:
        WrongTypeError: the key holds something else.
    """
    value = keys.get(key)
    if value is None or isinstance(value, bytes):
        return value
    raise WrongTypeError


def string_to_change(keys: Keyspace, key: bytes) -> bytes | None:
    """Return the same for a command that writes: it is no hit and no miss, as in Redis."""
    value = keys.peek(key)
    if value is None or isinstance(value, bytes):
        return value
    raise WrongTypeError
