"""Replies to PEERS."""

from __future__ import annotations

from memcloud.sdk import Peer
from memcloud.sdk.peer import parse_peers

FIELDS: dict[str, str | int | None] = {
    "name": "NodeA",
    "id": "ab12",
    "address": "127.0.0.1:6380",
    "peer_address": "127.0.0.1:16380",
    "state": "self",
    "memory_total": 1 << 30,
    "memory_used": 512,
    "keys": 3,
    "slots": 16384,
    "rtt_us": None,
}
PEER = Peer(
    *("NodeA", "ab12", "127.0.0.1:6380", "127.0.0.1:16380", "self"),
    *(1 << 30, 512, 3, 16384, None),
)


def as_bytes(value: str | int | None) -> bytes | int | None:
    """Return what a client that does not decode gets."""
    return value.encode() if isinstance(value, str) else value


def test_maps_and_flat_lists_say_the_same() -> None:
    """RESP3 has maps, RESP2 has not; and clients decode or they do not."""
    flat = [as_bytes(word) for pair in FIELDS.items() for word in pair]
    mapped = {name.encode(): as_bytes(value) for name, value in FIELDS.items()}
    assert parse_peers([FIELDS, mapped, flat]) == [PEER, PEER, PEER]


def test_unknown_and_missing_fields_do_no_harm() -> None:
    """Nodes and clients of different ages meet in one pool."""
    fields = {"name": "n", "id": "i", "address": "a:1", "state": "down", "colour": "red"}
    (peer,) = parse_peers([fields])
    assert peer == Peer("n", "i", "a:1", "", "down", 0, 0, 0, 0, None)
    assert not peer.is_up
