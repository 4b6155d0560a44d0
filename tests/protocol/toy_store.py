"""A store small enough to be obviously right: registers and counters by slot, with deadlines.

Commands, effects and chunks are words parted by spaces:

    command = GET key | SET key value [ms] | INCR key | DEL key | SETNX key value
    effect  = value key value ms-left age-ms | gone key       several are parted by newlines
    chunk   = effect*
"""

from __future__ import annotations

from dataclasses import dataclass

NEVER_MS = -1


@dataclass(slots=True)
class Item:
    """A value, its last millisecond, and when it was written."""

    value: str
    deadline_ms: int | None
    written_ms: int

    def is_live(self, now_ms: int) -> bool:
        """Return whether its time is not over."""
        return self.deadline_ms is None or now_ms <= self.deadline_ms


Slot = dict[str, Item]


class ToyStore:
    """Implements `SlotStore`; an item takes a byte for each character of its key and value."""

    def __init__(self, limit_bytes: int = 1 << 20, chunk_items: int = 2) -> None:
        self.limit_bytes = limit_bytes
        self.chunk_items = chunk_items
        self.slots: dict[int, Slot] = {}
        self.staged: dict[int, Slot] = {}

    @property
    def used_bytes(self) -> int:
        """See `SlotStore`."""
        return sum(_size(slot) for part in (self.slots, self.staged) for slot in part.values())

    @property
    def free_bytes(self) -> int:
        """See `SlotStore`."""
        return max(0, self.limit_bytes - self.used_bytes)

    def run(self, slot: int, command: bytes, now_ms: int) -> tuple[bytes, bytes]:
        """See `SlotStore`."""
        items = self.slots.setdefault(slot, {})
        name, key, *rest = command.decode().split(" ")
        item = items.get(key)
        effects: list[str] = []
        if item is not None and not item.is_live(now_ms):
            effects.append(f"gone {key}")
            item = None
        reply = "nil"
        if name == "GET":
            reply = item.value if item is not None else "nil"
        elif name == "SET":
            effects.append(_put(key, rest[0], int(rest[1]) if rest[1:] else NEVER_MS))
            reply = "OK"
        elif name == "INCR":
            reply = str(int(item.value) + 1 if item is not None else 1)
            effects.append(_put(key, reply, NEVER_MS))
        elif name == "DEL":
            reply = str(int(item is not None))
            effects.append(f"gone {key}")
        elif name == "SETNX":
            reply = str(int(item is None))
            if item is None:
                effects.append(_put(key, rest[0], NEVER_MS))
        change = "\n".join(effects).encode()
        self.apply(slot, change, now_ms)
        return reply.encode(), change

    def apply(self, slot: int, effects: bytes, now_ms: int) -> None:
        """See `SlotStore`."""
        _apply(self.slots.setdefault(slot, {}), effects, now_ms)

    def snapshot(self, slot: int, now_ms: int) -> list[bytes]:
        """See `SlotStore`."""
        lines = [
            _put(
                key,
                item.value,
                NEVER_MS if item.deadline_ms is None else item.deadline_ms - now_ms,
                now_ms - item.written_ms,
            )
            for key, item in self.slots.get(slot, {}).items()
            if item.is_live(now_ms)
        ]
        step = self.chunk_items
        return ["\n".join(lines[at : at + step]).encode() for at in range(0, len(lines), step)]

    def stage(self, slot: int, chunk: bytes, now_ms: int) -> None:
        """See `SlotStore`."""
        _apply(self.staged.setdefault(slot, {}), chunk, now_ms)

    def apply_staged(self, slot: int, effects: bytes, now_ms: int) -> None:
        """See `SlotStore`."""
        _apply(self.staged.setdefault(slot, {}), effects, now_ms)

    def unstage(self, slot: int) -> None:
        """See `SlotStore`."""
        self.staged.pop(slot, None)

    def adopt_staged(self, slot: int) -> None:
        """See `SlotStore`."""
        self.slots[slot] = self.staged.pop(slot, {})

    def lead(self, slot: int) -> None:
        """See `SlotStore`."""

    def follow(self, slot: int) -> None:
        """See `SlotStore`."""

    def is_in(self, slot: int) -> bool:
        """See `SlotStore`."""
        return True

    def drop(self, slot: int) -> None:
        """See `SlotStore`."""
        self.slots.pop(slot, None)

    def size_bytes(self, slot: int) -> int:
        """See `SlotStore`."""
        return _size(self.slots.get(slot, {}))

    def bequest(self, slot: int, since_ms: int, now_ms: int) -> list[bytes]:
        """See `SlotStore`."""
        return [
            f"{key} {item.value}".encode()
            for key, item in self.slots.get(slot, {}).items()
            if item.written_ms >= since_ms and item.is_live(now_ms)
        ]

    def inherit(self, slot: int, chunk: bytes) -> list[bytes]:
        """See `SlotStore`."""
        return [b"SETNX " + chunk]


def _size(items: Slot) -> int:
    return sum(len(key) + len(item.value) for key, item in items.items())


def _put(key: str, value: str, left_ms: int, age_ms: int = 0) -> str:
    return f"value {key} {value} {left_ms} {age_ms}"


def _apply(items: Slot, effects: bytes, now_ms: int) -> None:
    for line in effects.decode().splitlines():
        what, key, *rest = line.split(" ")
        if what == "gone":
            items.pop(key, None)
        else:
            left_ms = int(rest[1])
            deadline_ms = None if left_ms == NEVER_MS else now_ms + left_ms
            items[key] = Item(rest[0], deadline_ms, now_ms - int(rest[2]))
