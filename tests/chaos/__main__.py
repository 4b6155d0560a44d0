"""Tries faults on real nodes and prints each figure beside its target.

Usage: python -m tests.chaos [C1 D1 ...] [--seed N] [--full] [--against redis]
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

import redis

from .figures import Figure
from .network import why_impossible
from .scenarios import SCENARIOS, Scenario
from .servers import StartFailure, offered_flags
from .trial import Options, Trial


def main() -> int:
    """Run what is asked for; return 1 if a figure falls short, 2 if nothing can be tried here."""
    arguments = _arguments()
    wanted = [number.upper() for number in arguments.scenarios]
    chosen = [s for s in SCENARIOS if not wanted or s.number in wanted]
    if arguments.against == "redis":
        chosen = [scenario for scenario in chosen if scenario.is_for_redis]
    reason = why_impossible()
    if not reason and arguments.against == "redis" and not shutil.which("redis-server"):
        reason = "redis-server is not installed"
    if reason:
        print(f"not possible here: {reason}")
        return 2
    is_redis = arguments.against == "redis"
    options = Options(arguments.seed, arguments.full, is_redis, "" if is_redis else offered_flags())
    # What cleans up is run for SIGTERM as it is for Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    print(f"seed {options.seed}{'' if options.is_full else ', the short form of each fault'}")
    figures: list[Figure] = []
    for scenario in chosen:
        figures += _try(scenario, options)
    short = sum(not figure.is_reached for figure in figures)
    print(f"{len(figures) - short} figures reached, {short} fall short")
    return 1 if short else 0


def _try(scenario: Scenario, options: Options) -> list[Figure]:
    """Run a scenario and print what it finds."""
    print(f"{scenario.number} {scenario.title}", flush=True)
    if scenario.run is None:
        print(f"  not possible here: {scenario.impossible}")
        return []
    if scenario.copies > 1 and not options.is_redis and not options.replication(scenario.copies):
        print("  with one copy of each key: memnode offers no --replicas yet")
    figures: list[Figure] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        try:
            with Trial(
                options,
                Path(folder),
                scenario.size,
                scenario.copies,
                isolated=scenario.isolated,
            ) as trial:
                for figure in scenario.run(trial):
                    print(figure, flush=True)
                    figures.append(figure)
        except (StartFailure, redis.RedisError) as failure:
            print("    " + str(failure).replace("\n", "\n    "))
            figures.append(Figure("times that a node was lost to the script", 1, 0))
            print(figures[-1])
    print(f"  ({time.monotonic() - started:.0f} s)")
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="their numbers, all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full", action="store_true", help="as often and as long as targets say")
    parser.add_argument("--against", choices=["memnode", "redis"], default="memnode")
    return parser.parse_args()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
