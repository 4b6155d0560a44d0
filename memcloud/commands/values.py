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
