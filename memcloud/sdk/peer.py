"""One line of PEERS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """A member of the pool, as the asked node sees it."""

    name: str
    id: str
    address: str  # HOST:PORT for clients
    peer_address: str  # HOST:PORT of its link to other nodes
    state: str  # 'self', 'alive', 'leaving', 'suspect', or of one that is gone 'left' or 'down'
    memory_total: int  # bytes that it offers
    memory_used: int
    keys: int
    slots: int  # of 16384, how many it owns
    rtt_us: int | None  # None: itself, or not measured yet
    backups: int = 0  # of how many slots it has a copy without owning them
    epoch: int = 0  # of the slot table that the asked node goes by

    @property
    def is_up(self) -> bool:
        """Whether it answers, the asked node itself included."""
        return self.state not in ("down", "left")


def parse_peers(reply: object) -> list[Peer]:
    """Return the members in a reply to PEERS, in RESP2 or RESP3, decoded or not.

    Fields that this version does not know are left out, and numbers that are missing are 0, so
    that clients and nodes of different ages understand each other.
    """
    assert isinstance(reply, list)
    return [_parse_peer(_fields(entry)) for entry in reply]


def _fields(entry: object) -> dict[str, object]:
    # RESP2 has no maps: names and values alternate.
    if isinstance(entry, dict):
        pairs = list(entry.items())
    else:
        assert isinstance(entry, list)
        pairs = list(zip(entry[::2], entry[1::2], strict=True))
    return {_text(name): value for name, value in pairs}


def _parse_peer(fields: dict[str, object]) -> Peer:
    return Peer(
        name=_text(fields["name"]),
        id=_text(fields["id"]),
        address=_text(fields["address"]),
        peer_address=_text(fields.get("peer_address", "")),
        state=_text(fields["state"]),
        memory_total=_maybe_number(fields.get("memory_total")) or 0,
        memory_used=_maybe_number(fields.get("memory_used")) or 0,
        keys=_maybe_number(fields.get("keys")) or 0,
        slots=_maybe_number(fields.get("slots")) or 0,
        rtt_us=_maybe_number(fields.get("rtt_us")),
        backups=_maybe_number(fields.get("backups")) or 0,
        epoch=_maybe_number(fields.get("epoch")) or 0,
    )


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _maybe_number(value: object) -> int | None:
    return value if isinstance(value, int) else None
