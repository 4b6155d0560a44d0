"""`make simulate`: many seeds on all processors, and what they have seen."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from .plan import RARE, run_seed


class Summary(NamedTuple):
    """What a seed has come to."""

    seed: int
    violations: list[str]
    seen: Counter[str]
    outcomes: Counter[str]


def summary(seed: int) -> Summary:
    """Run a seed; whatever it raises is a violation, since a node must not."""
    try:
        outcome = run_seed(seed)
    except Exception as fault:  # noqa: BLE001 (the others are to be run, too)
        return Summary(seed, [f"{type(fault).__name__}: {fault}"], Counter(), Counter())
    return Summary(seed, outcome.violations, outcome.seen, outcome.client_saw.outcomes)


def main() -> int:
    """Run seeds; the exit code tells whether all was well."""
    parser = argparse.ArgumentParser(prog="python -m tests.protocol", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="at a time")
    arguments = parser.parse_args()
    started = time.monotonic()
    seen: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    failed: list[int] = []
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    with ProcessPoolExecutor(arguments.processes) as pool:
        for done in pool.map(summary, seeds):
            seen += done.seen
            outcomes += done.outcomes
            if done.violations:
                failed.append(done.seed)
                print(f"seed {done.seed}: {done.violations[0]}", flush=True)
    for what, count in sorted(seen.items()):
        print(f"{count:8} {what}")
    for ending, count in sorted(outcomes.items()):
        print(f"{count:8} commands {ending}")
    rare = [what for what in RARE if seen[what] * 300 < 10 * arguments.seeds]
    for what in rare:
        print(f"too seldom: {what}")
    seconds = time.monotonic() - started
    print(
        f"{arguments.seeds} seeds of 60 simulated seconds in {seconds:.0f} s,"
        f" {len(failed)} violations {failed}"
    )
    return int(bool(failed or rare))


if __name__ == "__main__":
    sys.exit(main())
