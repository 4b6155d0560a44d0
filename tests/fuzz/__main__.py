"""Runs targets of the fuzzer: python -m tests.fuzz [TARGET...] [--help].

Inputs are drawn from a seed and a number each. A failure prints both and the input, and
``TARGET --seed S --first N --inputs 1`` checks it again. A crash ends one process, whose last input
the others know.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from time import monotonic

from .processes import Worker
from .targets import TARGETS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for all (%(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="for each at most")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="default: a random one")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    options.targets = options.targets or list(TARGETS)
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    return options


def _check(target: str, inputs: int, options: argparse.Namespace) -> bool:
    """Check so many inputs for a target; return whether nothing was found."""
    started = monotonic()
    numbers = range(options.first, options.first + inputs)
    count = min(options.processes, inputs)
    parts = [numbers[index::count] for index in range(count)]
    print(f"{target}: {inputs} inputs, seed {options.seed}", flush=True)
    deadline = started + options.seconds
    workers = [Worker(target, options.seed, part, deadline) for part in parts]
    results = [worker.result() for worker in workers]
    for _, found in results:
        if found is not None:
            print(found.text)
            again = f"--seed {options.seed} --first {found.number} --inputs 1"
            print(f"Again: python -m tests.fuzz {target} {again}")
    done = sum(each for each, _ in results)
    print(f"{done} inputs in {monotonic() - started:.0f} s", flush=True)
    return not any(found for _, found in results)


def main() -> int:
    """Check all targets, or those that are named; return the exit code."""
    options = _arguments()
    inputs = -(-options.inputs // len(options.targets))
    passed = [_check(target, inputs, options) for target in options.targets]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
