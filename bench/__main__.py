"""The command line of the measurements.

The servers to compare with are started here, on free ports, and stopped at the end. A run of all
takes about ten minutes; `--rounds 1 --work SET,GET` gives a first impression in one.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from .hit_ratio import measure_hit_ratios
from .load import WORK, measure, progress
from .memory import bytes_per_key
from .report import Result, page
from .servers import BenchError, Program, programs, running

RESULTS = Path(__file__).parent / "RESULTS.md"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=3, help="rounds of each measurement (%(default)s)")
    add("--work", default=",".join(WORK), help="commands, by comma (%(default)s)")
    add("--pipeline", default="1,16,100", help="commands in flight per client (%(default)s)")
    add("--keys", type=int, default=500_000, help="keys to measure memory with; 0 leaves it out")
    add("--no-hit-ratios", action="store_true", help="leave the hit ratios out")
    add("--write", action="store_true", help=f"keep the page as bench/{RESULTS.name}")
    given = parser.parse_args()
    given.work = [work.strip() for work in given.work.split(",") if work.strip()]
    given.pipeline = [int(number) for number in given.pipeline.split(",")]
    for work in given.work:
        if work not in WORK:
            parser.error(f"no such work: {work} (one of {', '.join(WORK)})")
    return given


def run(given: argparse.Namespace) -> Result:
    """Measure everything that was asked for."""
    found: list[Program] = []
    missing: list[str] = []
    for program in programs():
        if program.missing:
            missing.append(program.missing)
        else:
            found.append(program)
    if not found:
        raise BenchError("there is no server to measure")
    result = Result([program.title for program in found], given.rounds, missing)
    with ExitStack() as stack:
        servers = [stack.enter_context(running(program)) for program in found]
        for work in given.work:
            for pipeline in given.pipeline:
                progress(f"{work}, pipeline {pipeline}")
                result.load[work, pipeline] = measure(servers, work, pipeline, given.rounds)
    for program in found if given.keys else []:
        progress(f"memory of {program.title}")
        with running(program) as server:
            result.memory[program.title] = bytes_per_key(server, given.keys)
    if not given.no_hit_ratios:
        result.hit_ratios = measure_hit_ratios(found)
    return result


def main() -> int:
    """Measure, print the page, and keep it if asked to; return the exit code."""
    given = arguments()
    try:
        text = page(run(given))
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    print(text)
    if given.write:
        RESULTS.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
