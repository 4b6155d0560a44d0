"""The order in which blocks of slots ask the members."""

from __future__ import annotations

from hypothesis import given, settings

from memcloud.ring import Share
from memcloud.ring.ring import BLOCKS, Preferences

from .pools import GIB, equal_pool, pools


@settings(max_examples=20, deadline=None)
@given(pools(members_max=8))
def test_a_block_asks_every_member_once(pool: list[Share]) -> None:
    """Who asks nobody has no owner, and who asks twice counts a load twice."""
    preferences = Preferences(pool)
    for block in range(0, BLOCKS, 97):
        assert sorted(preferences.of_block(block)) == sorted(share.member for share in pool)


def test_blocks_ask_in_an_order_that_leaves_none_out() -> None:
    """A block that does not ask is not owned."""
    assert sorted(Preferences(equal_pool(3)).blocks()) == list(range(BLOCKS))


def test_a_newcomer_leaves_the_order_of_the_others_alone() -> None:
    """This is what keeps movement small."""
    pool = equal_pool(6)
    before, after = Preferences(pool[1:]), Preferences(pool)
    for block in range(BLOCKS):
        others = [member for member in after.of_block(block) if member != pool[0].member]
        assert list(before.of_block(block)) == others


def test_more_ram_is_asked_more_often() -> None:
    """First choices follow the weights before anything is balanced."""
    preferences = Preferences([Share("small", GIB), Share("large", 3 * GIB)])
    firsts = [next(preferences.of_block(block)) for block in range(BLOCKS)]
    assert 0.65 <= firsts.count("large") / BLOCKS <= 0.85
