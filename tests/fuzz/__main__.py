"""Runs a target of the fuzzer: python -m tests.fuzz [TARGET] [--help].

Inputs are drawn from a seed and a number each. A failure prints both and the input, and
``--seed S --first N --inputs 1`` checks it again. A crash ends one process, whose last input the
others know.
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
    parser.add_argument("target", nargs="?", default="parser", choices=TARGETS)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many (%(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="default: a random one")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def main() -> int:
    """Check so many inputs; return the exit code."""
    options = _arguments()
    started = monotonic()
    numbers = range(options.first, options.first + options.inputs)
    count = min(options.processes, options.inputs)
    parts = [numbers[index::count] for index in range(count)]
    print(f"{options.target}: {options.inputs} inputs, seed {options.seed}", flush=True)
    deadline = started + options.seconds
    workers = [Worker(options.target, options.seed, part, deadline) for part in parts]
    results = [worker.result() for worker in workers]
    for _, found in results:
        if found is not None:
            print(found.text)
            again = f"--seed {options.seed} --first {found.number} --inputs 1"
            print(f"Again: python -m tests.fuzz {options.target} {again}")
    done = sum(each for each, _ in results)
    print(f"{done} inputs in {monotonic() - started:.0f} s", flush=True)
    return 1 if any(found for _, found in results) else 0


if __name__ == "__main__":
    sys.exit(main())
