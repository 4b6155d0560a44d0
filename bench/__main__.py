"""The command line of the measurements.

The servers to compare with are started here, on free ports, and stopped at the end. A run of
everything takes about a quarter of an hour; `--only small --rounds 1` gives a first impression in
one minute.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from .errors import BenchError
from .load import progress
from .machine import machine
from .programs import memnode, peers_and_us
from .report import Results, Section, page
from .servers import running
from .subjects import SUBJECTS, Options, Subject

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
SHORTFALLS = FOLDER / "SHORTFALLS.md"  # what people have found out about the figures
KEPT = FOLDER / "results.json"


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    names = [subject.name for subject in SUBJECTS]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("--only", default=",".join(names), metavar="NAME,...", help="subjects: %(default)s")
    add("--rounds", type=int, default=3, help="rounds where servers take turns (%(default)s)")
    add("--large", action="store_true", help="10 million keys where it is 1 million otherwise")
    add("--write", action="store_true", help=f"keep the result in bench/{RESULTS.name}")
    given = parser.parse_args(words)
    given.only = [name.strip() for name in given.only.split(",") if name.strip()]
    for name in given.only:
        if name not in names:
            parser.error(f"no such subject: {name} (one of {', '.join(names)})")
    return given


def run(given: argparse.Namespace) -> tuple[list[Section], bool]:
    """Measure what was asked for; return the sections, and whether all of it could be measured."""
    options = Options(rounds=given.rounds, large=given.large)
    taken = _taken()
    sections, is_whole = [], True
    for order, subject in enumerate(SUBJECTS):
        if subject.name not in given.only:
            continue
        progress(f"== {subject.title}")
        section = Section(subject.name, subject.title, taken, order=order)
        sections.append(section)
        is_whole = _measure(subject, section, options) and is_whole
    return sections, is_whole


def _measure(subject: Subject, section: Section, options: Options) -> bool:
    try:
        with time_limit(subject.seconds_max(options)):
            subject.measure(section, options)
    except (BenchError, OSError) as error:
        print(f"{subject.name}: {error}", file=sys.stderr)
        section.say(f"**This subject was not measured to its end:** {str(error).splitlines()[0]}")
        return False
    return True


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Raise BenchError in what runs inside when it takes too long, wherever it waits."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise BenchError(f"stopped after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _taken() -> str:
    with running(memnode()) as server:
        info = server.info()
    native = info.get("memcloud_native") or info.get("native", "no")
    versions = [program.title for program in peers_and_us() if not program.missing]
    return (
        f"Taken {datetime.now(UTC):%Y-%m-%d %H:%M} UTC of {', '.join(versions)}; memnode's native "
        f"modules: {native}. On {machine()}."
    )


def _end(number: int, frame: FrameType | None) -> None:
    """Leave by an exception, so that every server is stopped on the way."""
    sys.exit(128 + number)


def main() -> int:
    """Measure, print the page, and keep it if asked to; return the exit code."""
    given = arguments()
    signal.signal(signal.SIGTERM, _end)
    try:
        sections, is_whole = run(given)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    print(page(sections))
    if given.write:
        results = Results(KEPT)
        merged = results.merged(sections)
        results.keep(merged)
        RESULTS.write_text(page(merged, SHORTFALLS.read_text()))
    return 0 if is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
