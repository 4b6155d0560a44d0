"""What the tests of slots share: members of a cluster, as far as their data goes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import strategies as st

from memcloud.ring import key_slot
from memcloud.slot_content import CHUNK_BYTES
from memcloud.slots import Slots
from memcloud.store import BLOCKS, BlockPointer, Keyspace, Policy, Retention, Store, Value

from .support import Choice, StoreClock, keyspaces

DATABASES = 3
SPACES = [*range(DATABASES), BLOCKS]
NAMES = [b"", b"{a}1", b"{a}2", b"{a}3", b"{b}1", b"{b}2"]
A, B, NONE = key_slot(b"a"), key_slot(b"b"), key_slot(b"")
FAR_MS = 1 << 61
LIMIT_BYTES = 100_000


@dataclass(frozen=True)
class Shown:
    """What clients see of a key."""

    value: Value | None
    remaining_ms: int | None
    retention: Retention | None


Put = tuple[int, bytes, Value, int | None, Retention]
Content = dict[tuple[int, bytes], Shown]


class Member:
    """A node's data."""

    def __init__(
        self, now_ms: int = 1_000_000, *, limit_bytes: int = 0, policy: Policy = Policy.NOEVICTION
    ) -> None:
        self.clock = StoreClock(now_ms)
        self.store = Choice.store(
            self.clock, Random(1), limit_bytes=limit_bytes, policy=policy, databases=DATABASES
        )
        self.aside = Choice.store(self.clock, Random(1), limit_bytes=0, databases=DATABASES)
        self.slots = Slots(self.store, self.aside, self.clock)

    @property
    def now_ms(self) -> int:
        return self.clock.now_ms()

    def keys(self, space: int) -> Keyspace:
        return self.store.blocks if space == BLOCKS else self.store.databases[space]

    def put(
        self,
        space: int,
        key: bytes,
        value: Value = b"v",
        ttl_ms: int | None = None,
        retention: Retention = Retention.BY_POLICY,
    ) -> None:
        self.keys(space).set(key, value, self.deadline(ttl_ms), retention)

    def deadline(self, ttl_ms: int | None) -> int | None:
        return None if ttl_ms is None else self.now_ms + ttl_ms

    def seen(self) -> Content:
        return self.content(self.store)

    def content(self, store: Store) -> Content:
        def shown(space: int, key: bytes) -> Shown:
            keys = store.blocks if space == BLOCKS else store.databases[space]
            deadline_ms = keys.deadline_ms(key)
            remaining_ms = None if deadline_ms is None else deadline_ms - self.now_ms
            return Shown(keys.peek(key), remaining_ms, keys.retention(key))

        return {
            (space, key): shown(space, key)
            for space, keys in zip(SPACES, keyspaces(store), strict=False)
            for key in sorted(keys.keys())
        }

    def check(self) -> None:
        """See that what lies aside is reserved."""
        assert self.store.reserved_bytes == self.aside.used_bytes
        assert self.slots.used_bytes == self.store.used_bytes + self.aside.used_bytes


def copy(slot: int, giver: Member, taker: Member) -> None:
    """Stage a slot."""
    for chunk in giver.slots.snapshot(slot, giver.now_ms) or [b""]:
        taker.slots.stage(slot, chunk, taker.now_ms)


spaces = st.sampled_from(SPACES)
names = st.sampled_from(NAMES)
values = (
    st.binary(max_size=30)
    | st.sampled_from([bytes(16_385), bytes(100_000), bytes(CHUNK_BYTES)])
    | st.builds(BlockPointer, st.sampled_from(["", "node", "Gerät"]))
)
ttls = st.none() | st.integers(0, 20) | st.just(FAR_MS)
retentions = st.sampled_from(list(Retention))
puts = st.tuples(spaces, names, values, ttls, retentions)
clocks = st.sampled_from([0, 1_000_000, 1 << 45])
