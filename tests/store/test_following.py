"""A backup that follows its primary has what that has, whatever is done there."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from memcloud.ring import SLOTS, key_slot
from memcloud.store import Policy, Retention, Value

from .members import (
    DATABASES,
    NAMES,
    Member,
    clocks,
    copy,
    names,
    retentions,
    spaces,
    ttls,
    values,
)

numbers = st.integers(0, DATABASES - 1)
slots = sorted({key_slot(name) for name in NAMES})


class Following(RuleBasedStateMachine):
    """Tells a backup all that is done to a primary, and what goes there on its own."""

    @initialize(now_ms=clocks, policy=st.sampled_from(list(Policy)))
    def begin(self, now_ms: int, policy: Policy) -> None:
        self.primary, self.backup = Member(policy=policy), Member(now_ms)
        self.primary.store.removed = []

    def tell(self, space: int, key: bytes) -> None:
        effects = self.primary.slots.effects_of(space, [key])
        self.backup.slots.apply(key_slot(key), effects, self.backup.now_ms)

    def tell_all(self, effects: bytes) -> None:
        for slot in slots:
            self.backup.slots.apply(slot, effects, self.backup.now_ms)

    @rule(space=spaces, key=names, value=values, ttl_ms=ttls, retention=retentions)
    def put(
        self, space: int, key: bytes, value: Value, ttl_ms: int | None, retention: Retention
    ) -> None:
        self.primary.put(space, key, value, ttl_ms, retention)
        self.tell(space, key)

    @rule(space=spaces, key=names)
    def delete(self, space: int, key: bytes) -> None:
        self.primary.keys(space).delete(key)
        self.tell(space, key)

    @rule(space=spaces, key=names, ttl_ms=ttls)
    def set_deadline(self, space: int, key: bytes, ttl_ms: int | None) -> None:
        self.primary.keys(space).set_deadline(key, self.primary.deadline(ttl_ms))
        self.tell(space, key)

    @rule(databases=st.sets(numbers))
    def flush(self, databases: set[int]) -> None:
        for number in databases:
            self.primary.store.databases[number].flush()
        self.tell_all(self.primary.slots.flush_effects(sorted(databases)))

    @rule(a=numbers, b=numbers)
    def swap(self, a: int, b: int) -> None:
        self.tell_removed()  # it names databases by the numbers that they had
        self.primary.store.swap(a, b)
        self.tell_all(self.primary.slots.swap_effects(a, b))

    @rule(ms=st.integers(1, 30))
    def advance(self, ms: int) -> None:
        self.primary.clock.advance(ms)
        self.backup.clock.advance(ms)

    @rule(count=st.integers(1, 3))
    def evict(self, count: int) -> None:
        self.primary.store.evict_some(0, count)

    @rule()
    def copy_again(self) -> None:
        """The backup is lost, and another one gets a copy."""
        self.tell_removed()
        self.backup = Member(self.backup.now_ms + 1000)
        for slot in slots:
            copy(slot, self.primary, self.backup)
            self.backup.slots.adopt_staged(slot)

    @rule()
    def change_places(self) -> None:
        """The backup becomes the primary, and the other way round."""
        self.tell_removed()
        for slot in slots:
            self.primary.slots.follow(slot)
        self.primary.store.removed = None
        self.primary, self.backup = self.backup, self.primary
        self.primary.store.removed = []
        for slot in range(SLOTS):
            self.primary.slots.lead(slot)
        while self.primary.slots.waiting:
            self.primary.slots.bring_some(1)

    def tell_removed(self) -> None:
        removed = self.primary.store.removed
        assert removed is not None
        while removed:
            self.tell(*removed.pop())

    @precondition(lambda self: hasattr(self, "primary"))
    @rule()
    def compare(self) -> None:
        self.primary.store.expire_some(1 << 40)
        self.tell_removed()
        with self.primary.clock.before_all_deadlines(), self.backup.clock.before_all_deadlines():
            expected, actual = self.primary.seen(), self.backup.content(self.backup.aside)
            assert expected.keys() == actual.keys()
        expected, actual = self.primary.seen(), self.backup.content(self.backup.aside)
        assert expected == actual

    @invariant()
    def clients_see_nothing_of_a_backup(self) -> None:
        if hasattr(self, "backup"):
            self.backup.check()
            self.primary.check()
            assert self.backup.store.used_bytes == self.primary.aside.used_bytes == 0

    def teardown(self) -> None:
        if hasattr(self, "primary"):
            self.compare()


def test_a_backup_has_what_its_primary_has() -> None:
    """Else an acknowledged write would be lost with the primary, or a deleted key come back."""
    run_state_machine_as_test(Following, settings=settings(max_examples=60, stateful_step_count=40))
