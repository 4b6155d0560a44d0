"""Whole clusters from seeds: nothing that must not happen does, and in peace all is well."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from .plan import SETUPS, run_seed, setup_of
from .scenarios import run

SEEDS = 30
"""`make simulate` runs 300, and so does `.ci/run`."""

BLOCK = 10


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_no_seed_breaks_the_contract(first: int) -> None:
    """Replies are explained by one copy, one member serves a slot, and all heals in the end."""
    seen: Counter[str] = Counter()
    for seed in range(first, first + BLOCK):
        outcome = run_seed(seed)
        assert not outcome.violations, f"seed {seed}: {outcome.violations[0]}"
        seen += outcome.seen
    for what in ("a backup took over", "a slot was moved", "a slot was emptied"):
        assert seen[what], f"seeds {first} to {first + BLOCK - 1} have not seen: {what}"


def test_a_seed_gives_the_same_run_every_time() -> None:
    """A failure that cannot be repeated cannot be understood."""
    assert run_seed(1).trace == run_seed(1).trace


def test_polite_leaves_lose_nothing_even_without_replicas() -> None:
    """A drain moves every key before its member goes."""
    setup = replace(setup_of(6), duration_ms=40_000)
    assert setup.faults == ("leave",)
    for seed in range(1000, 1003):
        outcome = run(seed, setup)
        assert not outcome.violations, f"seed {seed}: {outcome.violations[0]}"
        assert outcome.seen["fault: leave"]
        assert not outcome.seen["a slot was emptied"]


def test_a_single_crash_loses_nothing_with_a_replica() -> None:
    """Every acknowledged write is on two members."""
    setup = replace(SETUPS[0], faults=("crash", "bounce", "pause"))
    for seed in range(1000, 1004):
        outcome = run(seed, setup)
        assert not outcome.violations, f"seed {seed}: {outcome.violations[0]}"
        assert outcome.seen["a backup took over"]
        assert not outcome.seen["a slot was emptied"]
