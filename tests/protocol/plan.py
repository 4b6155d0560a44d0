"""Which cluster, faults and policy a seed gets; `make simulate` and the tests use the same."""

from __future__ import annotations

from memcloud.protocol.settings import Isolation

from .scenarios import SPLITS, Outcome, Setup, run

SETUPS = (
    Setup(devices=4, replicas=2),
    Setup(devices=5, replicas=3, is_stacked=True, is_grouped=True),
    Setup(devices=4, replicas=1),
    Setup(devices=4, replicas=2, faults=SPLITS, isolation=Isolation.AUTO),
    Setup(devices=2, replicas=2),
    Setup(devices=3, replicas=2, is_stacked=True),
    Setup(devices=4, replicas=1, faults=("leave",)),
    Setup(devices=3, replicas=1, faults=SPLITS, isolation=Isolation.FRESH),
    Setup(devices=3, replicas=2, faults=("crash", "bounce", "pause", "cut", "one way")),
    Setup(devices=2, replicas=2, faults=SPLITS, isolation=Isolation.AUTO, is_stacked=True),
)

RARE = (
    "a backup took over",
    "a slot was moved",
    "a slot was emptied",
    "a cluster was founded",
    "a key was bequeathed",
    "a decree was finished by another",
    "a result was remembered",
    "a late command was refused",
    "renewed: it was given up by the others",
    "renewed: its cluster dissolved into an older one",
)
"""What a run of 300 seeds must have seen ten times, or it proves little."""


def setup_of(seed: int) -> Setup:
    """Return what a seed is run with."""
    return SETUPS[seed % len(SETUPS)]


def run_seed(seed: int) -> Outcome:
    """Run a seed as the plan says."""
    return run(seed, setup_of(seed))
