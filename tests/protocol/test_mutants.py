"""Every rule is needed: without it, some test or seed fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from . import test_leases, test_losses, test_rules
from .mutants import MUTANTS
from .plan import run_seed

BY_SEEDS = {
    "no lease": 0,
    "a clock that stops in sleep": 0,
    "no hold": 1,
    "no quorum": 0,
    "no memory of results": 0,
    "a target that need not acknowledge": 2,
    "dirty reads": 4,
    "chunks taken twice": 9,
}
"""With the first seed that has killed it. If the courses change, another one does."""

SEEDS_MAX = 100  # each of these is found within

TESTS: dict[str, Callable[[], None]] = {
    "a hold that is forgotten": test_rules.test_a_hold_stays_in_later_tables,
    "parting in spite of a quorum": (
        lambda: test_losses.test_a_second_loss_does_not_part_those_who_have_a_quorum(200)
    ),
    "no freeze": test_rules.test_nothing_runs_while_a_successor_is_being_decided,
    "a freeze that times out": test_rules.test_no_time_ends_a_freeze,
    "entries of any epoch": test_rules.test_a_backup_takes_entries_of_its_own_epoch_only,
    "acknowledgements of any copy": (
        test_rules.test_what_is_late_from_one_copy_does_not_count_for_the_next
    ),
    "promises forgotten over a restart": test_rules.test_a_promise_outlives_the_process,
    "acknowledging after a promise": test_rules.test_who_has_promised_acknowledges_nothing,
    "its own vote after a promise": test_leases.test_a_promise_ages_ones_own_vote,
    "leases over epochs": test_leases.test_a_new_epoch_ends_the_lease,
    "keeping data when given up": test_rules.test_who_was_given_up_drops_everything,
    "sending again to an emptied slot": (
        test_rules.test_a_write_is_not_sent_again_to_a_slot_that_was_emptied
    ),
}
"""A test that kills what chance hardly finds."""


def test_every_mutant_is_hunted() -> None:
    """A broken form that nobody looks for proves nothing."""
    assert sorted([*BY_SEEDS, *TESTS]) == sorted(MUTANTS)


@pytest.mark.parametrize("name", BY_SEEDS)
def test_a_seed_kills(name: str) -> None:
    """The simulation sees what is broken."""
    first = BY_SEEDS[name]
    assert any(_is_killed(name, (first + more) % SEEDS_MAX) for more in range(SEEDS_MAX))


def _is_killed(name: str, seed: int) -> bool:
    with MUTANTS[name]():
        try:
            return bool(run_seed(seed).violations)
        except AssertionError:  # of the protocol itself
            return True


@pytest.mark.parametrize("name", TESTS)
def test_a_test_kills(name: str) -> None:
    """The rule that it lacks was set up on purpose."""
    with MUTANTS[name](), pytest.raises(AssertionError):
        TESTS[name]()
