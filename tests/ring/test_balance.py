"""Every slot has an owner and every member its share, whoever else is there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcloud.ring import SHARE_SLOTS_MIN, SLOTS, TOLERANCE, Share, SlotTable, target_table

from .pools import GIB, MIB, equal_pool, fair_share, pools


@settings(max_examples=40, deadline=None)
@given(pools())
def test_every_slot_has_an_owner_and_every_member_its_share(pool: list[Share]) -> None:
    """Within 5 percent, or within a slot where a slot is more than that."""
    table = target_table(pool, epoch=1)
    assert all(owner is not None for owner in table.owners)
    assert_balanced(table, pool)


@pytest.mark.parametrize("smallest_slots", [SHARE_SLOTS_MIN - 1, SHARE_SLOTS_MIN, 40])
@pytest.mark.parametrize("others", [1, 7, 31])
def test_a_small_member_beside_large_ones_has_its_share(smallest_slots: int, others: int) -> None:
    """Whole slots make it hard to be fair to the small."""
    small = Share("small", smallest_slots * GIB)
    large = (SLOTS - smallest_slots) * GIB // others
    pool = [small, *(Share(f"large-{index}", large) for index in range(others))]
    assert_balanced(target_table(pool, epoch=1), pool)


@pytest.mark.parametrize("weight", [1, 64 * MIB, 1 << 70])
def test_the_unit_of_the_weights_does_not_matter(weight: int) -> None:
    """A pool of small machines is placed like one of large ones."""
    small = target_table(equal_pool(5, weight=weight), epoch=1)
    assert small == target_table(equal_pool(5), epoch=1)


def test_one_member_owns_everything() -> None:
    """A node alone is a cluster of one."""
    table = target_table([Share("only", 1)], epoch=7)
    assert table.all_ranges() == [(0, SLOTS - 1, "only")]
    assert table.epoch == 7


def test_without_members_nothing_is_owned() -> None:
    """A node that has just left knows no owners."""
    table = target_table([], epoch=3)
    assert table.owners == (None,) * SLOTS
    assert (table.members, table.epoch) == ((), 3)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_the_order_of_adding_does_not_matter(data: st.DataObject) -> None:
    """Nodes learn of each other in different orders and must agree."""
    pool = data.draw(pools(members_min=2, members_max=12))
    shuffled = data.draw(st.permutations(pool))
    assert target_table(pool, epoch=1) == target_table(shuffled, epoch=1)


def test_a_member_named_twice_is_refused() -> None:
    """Two nodes of one name would each take the other's slots for its own."""
    with pytest.raises(ValueError, match="named twice"):
        target_table([Share("a", 1), Share("a", 2)], epoch=1)


@pytest.mark.parametrize("weight", [0, -1])
def test_a_member_that_offers_nothing_is_refused(weight: int) -> None:
    """It could not be placed; who drains a node leaves it out."""
    with pytest.raises(ValueError, match="not above 0"):
        Share("a", weight)


def test_the_table_never_changes_between_releases() -> None:
    """Nodes of different releases in one pool must agree, or both own a slot."""
    pool = [Share("desk", 4 * GIB), Share("laptop", 2 * GIB), Share("küche", 512 * MIB)]
    assert target_table(pool, epoch=1).digest == 0x93F4CE8416EECD39


@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_another_process_computes_the_same_table(hash_seed: str) -> None:
    """The order of sets of str changes from process to process; placement must not."""
    program = (
        "from memcloud.ring import Share, target_table\n"
        "pool = {Share(f'node-{i}', 1 << 30 + i % 4) for i in range(9)}\n"
        "print(target_table(pool, 1).digest)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    output = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True
    ).stdout
    here = target_table([Share(f"node-{i}", 1 << 30 + i % 4) for i in range(9)], epoch=1)
    assert int(output) == here.digest


@pytest.mark.parametrize(("members", "ranges_max"), [(2, 450), (3, 600), (5, 1000), (16, 2300)])
def test_slots_lie_in_runs(members: int, ranges_max: int) -> None:
    """Each range is an entry of CLUSTER SLOTS, which clients read at every change."""
    table = target_table(equal_pool(members), epoch=1)
    assert len(table.all_ranges()) <= ranges_max


def assert_balanced(table: SlotTable, pool: list[Share]) -> None:
    """Every member is as near to its share as `memcloud.ring.balance` promises."""
    for share in pool:
        fair = fair_share(share, pool)
        allowed = fair * TOLERANCE if fair >= SHARE_SLOTS_MIN else 1
        assert abs(table.count(share.member) - fair) <= allowed, (share, fair)
