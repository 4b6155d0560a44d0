"""Pools of members for the tests of placement."""

from __future__ import annotations

from hypothesis import strategies as st

from memcloud.ring import SLOTS, Share, SlotTable

MIB = 1 << 20
GIB = 1 << 30

MEMBERS_MAX = 32

weights = st.one_of(
    st.sampled_from([256 * MIB, 512 * MIB, GIB, 2 * GIB, 4 * GIB, 8 * GIB, 16 * GIB, 64 * GIB]),
    st.integers(256 * MIB, 64 * GIB),
)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def pools(members_min: int = 1, members_max: int = MEMBERS_MAX) -> st.SearchStrategy[list[Share]]:
    """Pools of mixed machines with any names."""
    return st.dictionaries(names, weights, min_size=members_min, max_size=members_max).map(
        lambda pool: [Share(member, weight) for member, weight in pool.items()]
    )


def equal_pool(count: int, seed: int = 0, weight: int = 4 * GIB) -> list[Share]:
    """This many members that offer the same; another seed gives others."""
    return [Share(f"pool-{seed}-node-{index}", weight) for index in range(count)]


def fair_share(share: Share, pool: list[Share]) -> float:
    """How many slots the member should have, as a fraction of a slot."""
    return SLOTS * share.weight / sum(other.weight for other in pool)


def moved_slots(old: SlotTable, new: SlotTable) -> int:
    """How many slots have another owner, found without `diff`."""
    return sum(old.owner(slot) != new.owner(slot) for slot in range(SLOTS))
