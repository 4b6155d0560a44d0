"""Who may link up, and which of two nodes with one name has to stop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memcloud.cluster.greeting import STARTING_MS, gives_way, judge
from memcloud.link.messages import Identity, Refusal

from .test_membership import identity

ELDER = replace(identity(2), name="laptop")
TWIN = replace(identity(1), name="laptop")


@pytest.mark.parametrize("age_ms", [0, 100, 5000])
def test_a_serving_node_stays_when_another_of_its_name_starts(age_ms: int) -> None:
    """However soon after it the other one came up, and whoever dials."""
    elder = replace(ELDER, uptime_ms=age_ms, is_serving=True)
    newcomer = replace(TWIN, uptime_ms=0, is_serving=False)
    assert _outcome(elder, newcomer) == (False, True)


@pytest.mark.parametrize("is_serving", [False, True])
def test_of_two_that_start_together_one_stays(is_serving: bool) -> None:
    """By age where it can be told, by id where not."""
    elder = replace(ELDER, uptime_ms=2000, is_serving=is_serving)
    assert _outcome(elder, replace(TWIN, uptime_ms=1000, is_serving=is_serving)) == (False, True)
    assert _outcome(elder, replace(TWIN, uptime_ms=1900, is_serving=is_serving)) == (True, False)


def test_two_that_have_long_served_stay() -> None:
    """They were apart, and neither gives up what its clients put there."""
    elder = replace(ELDER, uptime_ms=STARTING_MS, is_serving=True)
    assert _outcome(elder, replace(TWIN, uptime_ms=STARTING_MS)) == (False, False)


def test_members_of_one_cluster_link_up() -> None:
    """Nothing speaks against it."""
    assert judge(identity(1), identity(2)) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"id": identity(1).id}, Refusal.OWN_ADDRESS),
        ({"version": identity(1).version + 1}, Refusal.OTHER_VERSION),
        ({"cluster": "other"}, Refusal.OTHER_CLUSTER),
        ({"device": identity(1).device}, Refusal.SAME_DEVICE),
    ],
)
def test_a_link_is_refused_for_the_right_reason(changes: dict[str, object], why: Refusal) -> None:
    """The other side tells its owner what to do about it."""
    refused = judge(identity(1), identity(2, **changes))
    assert refused is not None
    assert refused.why is why


def _outcome(one: Identity, other: Identity) -> tuple[bool, bool]:
    """Return which of the two gives way, as `judge` tells both of them."""
    for me, them in [(one, other), (other, one)]:
        refused = judge(me, them)
        assert refused is not None
        assert (refused.why is Refusal.GIVING_WAY) == gives_way(me, them)
    return gives_way(one, other), gives_way(other, one)
