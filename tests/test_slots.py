"""Keys on their way between members with stores of any kinds; see also tests/store/test_slots.py.

Whatever happens to a slot, one that has got a copy of it, or has been told all that was changed,
has the same keys with the same values, deadlines and retentions.
"""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from memcloud.ring import key_slot
from memcloud.slot_content import CHUNK_BYTES
from memcloud.slots import Slots
from memcloud.store import BLOCKS, BlockPointer, Policy, Retention, Store, Value

from .store.support import ENGINES, StoreClock

TAG = b"{tag}"
SLOT = key_slot(TAG)
DATABASES = 3
KEYS = [TAG + b"%d" % number for number in range(6)]
OTHER_KEY = b"elsewhere"
PAIRS = list(product(ENGINES.values(), repeat=2))
PAIR_IDS = [f"{one}-{other}" for one, other in product(ENGINES, repeat=2)]

Content = dict[tuple[int, bytes], tuple[Value, int | None, Retention | None]]


class Holder:
    """A member, as far as its keys go."""

    def __init__(
        self,
        kind: type[Store],
        clock: StoreClock,
        *,
        limit_bytes: int = 0,
        policy: Policy = Policy.NOEVICTION,
    ) -> None:
        self.clock = clock
        self.store = kind(
            clock, Random(1), limit_bytes=limit_bytes, policy=policy, databases=DATABASES
        )
        self.aside = kind(clock, Random(2), limit_bytes=0, databases=DATABASES)
        self.slots = Slots(self.store, self.aside, clock)

    def put(
        self,
        space: int,
        key: bytes,
        value: Value,
        deadline_ms: int | None = None,
        retention: Retention = Retention.BY_POLICY,
    ) -> None:
        """Set a key as a command of a client does."""
        keyspace = self.store.blocks if space == BLOCKS else self.store.databases[space]
        keyspace.set(key, value, deadline_ms, retention)

    def content(self, slot: int = SLOT) -> Content:
        """Return what clients see of a slot."""
        return _content(self.store, slot)

    def content_aside(self, slot: int = SLOT) -> Content:
        """Return what no client sees of it."""
        return _content(self.aside, slot)

    def get_copy(self, source: Holder) -> None:
        """Get the slot as the target of a move does, and lead it."""
        for chunk in source.slots.snapshot(SLOT, self.clock.now_ms()) or [b""]:
            self.slots.stage(SLOT, chunk, self.clock.now_ms())
        self.slots.adopt_staged(SLOT)
        self.lead()

    def lead(self) -> None:
        """Let clients see the slot."""
        self.slots.lead(SLOT)
        self.slots.bring_in(SLOT)


def _content(store: Store, slot: int) -> Content:
    found: Content = {}
    for space, keyspace in [*enumerate(store.databases), (BLOCKS, store.blocks)]:
        for key in keyspace.live_keys(slot):
            value = keyspace.peek(key)
            assert value is not None
            found[space, key] = value, keyspace.deadline_ms(key), keyspace.retention(key)
    return found


def draw_entry(random: Random, now_ms: int) -> tuple[int, bytes, Value, int | None, Retention]:
    """Return what to set where."""
    space = random.choice([0, 1, 2, BLOCKS])
    size = random.choice([0, 1, 8, 100, 20_000, 70_000])
    value: Value = bytes([random.randrange(256)]) * size
    if space == BLOCKS and random.random() < 0.5:
        value = BlockPointer(random.choice(["n1", "another-node"]))
    deadline_ms = random.choice([None, None, now_ms + 5, now_ms + 100_000])
    return space, random.choice(KEYS), value, deadline_ms, random.choice(list(Retention))


def fill(holder: Holder, random: Random, count: int = 12) -> None:
    """Set some keys of the slot, and one of another."""
    for _ in range(count):
        holder.put(*draw_entry(random, holder.clock.now_ms()))
    holder.put(0, OTHER_KEY, b"other")


@pytest.fixture(params=list(ENGINES.values()), ids=list(ENGINES))
def holder(request: pytest.FixtureRequest) -> Holder:
    """Return a member with either kind of store."""
    return Holder(request.param, StoreClock())


@pytest.fixture(params=PAIRS, ids=PAIR_IDS)
def pair(request: pytest.FixtureRequest) -> tuple[Holder, Holder]:
    """Return two members with stores of any kinds."""
    clock = StoreClock()
    one, other = request.param
    return Holder(one, clock), Holder(other, clock)


@pytest.mark.parametrize("seed", range(20))
def test_a_copy_is_equal(pair: tuple[Holder, Holder], seed: int) -> None:
    """In all databases and among the blocks; and the source keeps what it has."""
    source, target = pair
    fill(source, Random(seed))
    before = source.content()
    target.get_copy(source)
    assert target.content() == before == source.content()
    assert target.content(key_slot(OTHER_KEY)) == {}
    assert target.aside.used_bytes == 0
    assert target.store.reserved_bytes == 0


@pytest.mark.parametrize("seed", range(20))
def test_who_is_told_of_each_change_has_the_same(pair: tuple[Holder, Holder], seed: int) -> None:
    """From a copy on, in its middle or from the beginning, with time going by."""
    primary, backup = pair
    random = Random(seed)
    fill(primary, random)
    now_ms = primary.clock.now_ms()
    for chunk in primary.slots.snapshot(SLOT, now_ms):
        backup.slots.stage(SLOT, chunk, now_ms)
    adopted_at = random.randrange(60)
    for step in range(60):
        if step == adopted_at:
            backup.slots.adopt_staged(SLOT)
            backup.slots.follow(SLOT)
        effects = change(primary, random)
        take = backup.slots.apply_staged if step < adopted_at else backup.slots.apply
        take(SLOT, effects, primary.clock.now_ms())
        assert backup.content_aside() == primary.content(), (seed, step)
    assert backup.store.used_bytes == 0
    backup.lead()
    assert backup.content() == primary.content()


def change(primary: Holder, random: Random) -> bytes:
    """Change something as a command does, and return what others are told."""
    slots, store = primary.slots, primary.store
    chance = random.random()
    if chance < 0.05:
        database = random.randrange(DATABASES)
        store.databases[database].flush()
        return slots.flush_effects([database])
    if chance < 0.1:
        store.flush()
        return slots.flush_effects(range(DATABASES))
    if chance < 0.2:
        a, b = random.choices(range(DATABASES), k=2)
        store.swap(a, b)
        return slots.swap_effects(a, b)
    if chance < 0.3:
        primary.clock.advance(random.choice([1, 3, 50]))
    space, key, *rest = draw_entry(random, primary.clock.now_ms())
    if random.random() < 0.3:
        keyspace = store.blocks if space == BLOCKS else store.databases[space]
        keyspace.delete(key)
    else:
        primary.put(space, key, *rest)  # type: ignore[arg-type]
    if space != BLOCKS and random.random() < 0.3:
        return slots.effects_of_all([key])
    return slots.effects_of(space, [key])


def test_what_remains_of_a_time_travels(pair: tuple[Holder, Holder]) -> None:
    """The clocks of two members have nothing in common; it may gain what the journey takes."""
    source, target = pair
    now_ms = source.clock.now_ms()
    source.put(0, KEYS[0], b"v", now_ms + 1000)
    chunks = source.slots.snapshot(SLOT, now_ms)
    source.clock.advance(300)
    for chunk in chunks:
        target.slots.stage(SLOT, chunk, now_ms + 300)
    target.lead()
    assert target.store.databases[0].deadline_ms(KEYS[0]) == now_ms + 1300


def test_a_slot_is_copied_on_before_it_is_brought_in(pair: tuple[Holder, Holder]) -> None:
    """A primary of this moment may have to give it away at once."""
    source, target = pair
    fill(source, Random(2))
    before = source.content()
    source.slots.follow(SLOT)
    source.slots.lead(SLOT)
    assert source.slots.size_bytes(SLOT) > 0
    target.get_copy(source)
    assert target.content() == before


def test_a_large_slot_is_copied_in_chunks(pair: tuple[Holder, Holder]) -> None:
    """Each goes into messages of its own."""
    source, target = pair
    for number in range(100):
        source.put(0, TAG + b"%d" % number, b"x" * 10_000)
    chunks = source.slots.snapshot(SLOT, source.clock.now_ms())
    assert len(chunks) == 4
    assert max(map(len, chunks)) < CHUNK_BYTES + 11_000
    target.get_copy(source)
    assert target.content() == source.content()


def test_the_size_of_a_slot_is_what_its_keys_are_accounted_for(holder: Holder) -> None:
    """Exactly while there are few, about if there are many."""
    fill(holder, Random(5))
    with_others = holder.store.used_bytes
    size_bytes = holder.slots.size_bytes(SLOT)
    holder.store.drop_slots([SLOT])
    assert size_bytes == with_others - holder.store.used_bytes
    for number in range(3000):
        holder.put(0, TAG + b"%d" % number, b"v" * 50)
    assert holder.slots.size_bytes(SLOT) == pytest.approx(holder.store.used_bytes, rel=0.1)


def test_what_lies_aside_counts_for_the_limit(holder: Holder) -> None:
    """Clients' keys make way for the copies; the copies do not for them."""
    store, aside = holder.store, holder.aside
    store.policy = Policy.ALLKEYS_S3FIFO
    store.limit_bytes = 100_000
    keys = [b"k%d" % number for number in range(80)]
    for key in keys:
        holder.put(0, key, b"x" * 1000)
    assert store.effective_limit_bytes == 100_000
    entry = holder.slots.effects_of(0, keys[:40])
    holder.slots.apply(SLOT, entry, holder.clock.now_ms())
    assert store.effective_limit_bytes == 100_000 - aside.used_bytes
    assert holder.slots.used_bytes <= 100_000
    assert len(aside.databases[0]) == 40
    assert 0 < len(store.databases[0]) < 80
    assert holder.slots.free_bytes == 100_000 - aside.used_bytes
    store.policy = Policy.NOEVICTION
    assert holder.slots.free_bytes == 100_000 - holder.slots.used_bytes


def test_keys_of_a_dissolving_cluster_are_set_where_they_are_absent(
    pair: tuple[Holder, Holder],
) -> None:
    """Those that the older cluster has are newer, or as good."""
    heir, bequeather = pair
    now_ms = heir.clock.now_ms()
    heir.put(0, KEYS[0], b"mine")
    for key in KEYS[:2]:
        bequeather.put(0, key, b"theirs", now_ms + 1000)
    replies, effects = [], []
    for chunk in bequeather.slots.bequest(SLOT, 0, now_ms):
        for command in heir.slots.inherit(SLOT, chunk):
            reply, effect = heir.slots.run(SLOT, command, now_ms)
            replies.append(reply)
            effects.append(effect)
    assert sorted(replies) == [b"0", b"1"]
    assert {key: each[0] for (_, key), each in heir.content().items()} == {
        KEYS[0]: b"mine",
        KEYS[1]: b"theirs",
    }
    for effect in filter(None, effects):
        bequeather.slots.drop(SLOT)
        bequeather.slots.apply(SLOT, effect, now_ms)
    assert bequeather.content_aside() == {
        place: entry for place, entry in heir.content().items() if place[1] == KEYS[1]
    }


def test_what_was_inherited_is_not_bequeathed(pair: tuple[Holder, Holder]) -> None:
    """Before its founding the other cluster had it, too; and a copy of it knows that."""
    source, target = pair
    fill(source, Random(6))
    source.slots.mark_inherited(range(SLOT, SLOT + 1))
    target.get_copy(source)
    for each in pair:
        assert each.slots.bequest(SLOT, 0, each.clock.now_ms()) == []
    assert target.content() == source.content()
    assert source.slots.bequest(key_slot(OTHER_KEY), 0, source.clock.now_ms())
