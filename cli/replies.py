"""Replies of the node that have maps in them, which are flat lists in RESP2."""

from __future__ import annotations

from typing import Any


def fields(reply: object) -> dict[str, Any]:
    """Return a map with its names and texts decoded; maps within it stay as they are."""
    if isinstance(reply, dict):
        pairs = list(reply.items())
    else:
        assert isinstance(reply, list)
        pairs = list(zip(reply[::2], reply[1::2], strict=True))
    return {_text(name): decoded(value) for name, value in pairs}


def rows(reply: object) -> list[dict[str, Any]]:
    """Return a list of maps."""
    assert isinstance(reply, list)
    return [fields(each) for each in reply]


def decoded(value: Any) -> Any:
    """Return a text as such, and all else as it is."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def ring_fields(reply: object) -> dict[str, Any]:
    """Return a reply to PEER RING."""
    ring = fields(reply)
    for name in ("members", "moves", "attempts", "refused"):
        ring[name] = rows(ring[name])
    for member in ring["members"]:
        for name in ("share", "target_share"):  # RESP2 has no floating point numbers
            member[name] = float(member[name])
    return ring


def place_fields(reply: object) -> dict[str, Any]:
    """Return a reply to PEER WHERE."""
    place = fields(reply)
    place["backups"] = [decoded(name) for name in place.get("backups", [])]
    return place


def _text(value: object) -> str:
    text = decoded(value)
    assert isinstance(text, str)
    return text
