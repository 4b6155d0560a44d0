"""`make simulate`: many seeds, and what they have seen."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from .plan import RARE, run_seed


def main() -> int:
    """Run seeds; the exit code tells whether all was well."""
    parser = argparse.ArgumentParser(prog="python -m tests.protocol", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    arguments = parser.parse_args()
    started = time.monotonic()
    seen: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    failed: list[int] = []
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        outcome = run_seed(seed)
        seen += outcome.seen
        outcomes += outcome.client_saw.outcomes
        if outcome.violations:
            failed.append(seed)
            print(f"seed {seed}: {outcome.violations[0]}", flush=True)
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
