"""Replies that hold other replies: how many, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from .errors import ProtocolError
from .types import Attribute, Push, Reply, SetReply


class Aggregate(NamedTuple):
    """A type that holds ``items_each`` replies for each one it claims, and ``items_more``."""

    items_each: int
    items_more: int
    build: Callable[[list[Reply]], Reply]


def _array(items: list[Reply]) -> Reply:
    return items


def _map(items: list[Reply]) -> Reply:
    mapping = _maybe_dict(items)
    if mapping is None:
        return [[key, value] for key, value in zip(items[::2], items[1::2], strict=True)]
    return mapping


def _attribute(items: list[Reply]) -> Attribute:
    notes = _maybe_dict(items[:-1])
    if notes is None:
        raise ProtocolError("attribute with keys that are no scalars, or equal, in a reply")
    return Attribute(notes, items[-1])


def _maybe_dict(items: list[Reply]) -> dict[Reply, Reply] | None:
    """Keys and values in turn as a dict, or None when a key does not fit or hides another."""
    try:
        mapping = dict(zip(items[::2], items[1::2], strict=True))
    except TypeError:
        return None
    return mapping if 2 * len(mapping) == len(items) else None


AGGREGATES: Final[Mapping[bytes, Aggregate]] = {
    b"*": Aggregate(1, 0, _array),
    b"~": Aggregate(1, 0, SetReply),
    b">": Aggregate(1, 0, Push),
    b"%": Aggregate(2, 0, _map),
    b"|": Aggregate(2, 1, _attribute),
}
"""By their first byte. The value that an attribute is about counts as the last of its items."""
