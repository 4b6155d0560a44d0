"""The fuzzer finds what it is there to find."""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path
from random import Random
from time import monotonic

from .parser import ParserTarget
from .targets import TARGETS
from .worker import case_random, check_many, check_one

ROOT = Path(__file__).resolve().parents[2]


class Thirteen:
    """A target whose native form does not know this number."""

    def draw(self, random: Random) -> int:
        """Return a number."""
        return random.randrange(40)

    def decode(self, data: bytes) -> int:
        """Return a number."""
        return len(data)

    def check(self, case: int) -> float:
        """Fail on 13; be slow on 14."""
        assert case != 13
        return 1.0 if case == 14 else 0.0


def first_number(wanted: int) -> int:
    """Return the number of the first input that is this case."""
    return next(each for each in range(1000) if Thirteen().draw(case_random("s", each)) == wanted)


def test_a_difference_is_found_and_can_be_seen_again() -> None:
    """By the number of the input alone."""
    expected = first_number(13)
    found = check_one(Thirteen(), "s", expected)
    assert found is not None
    assert found.number == expected
    assert found.text.endswith("\n13")


def test_what_hangs_is_found() -> None:
    """100 ms are a hundred times what any input needs."""
    found = check_one(Thirteen(), "s", first_number(14))
    assert found is not None
    assert "1.000 s of CPU" in found.text


def test_a_worker_ends_with_what_it_finds() -> None:
    """And says which input it was at, for the case that it crashes."""
    now_at = get_context("spawn").Value("q", -1)
    done, found = check_many(Thirteen(), "s", range(1000), monotonic() + 1000, now_at)
    assert found is not None
    assert done == found.number + 1
    assert now_at.value == found.number


def test_a_case_depends_on_its_seed_and_number_alone() -> None:
    """A failure on one machine is one on every other."""
    target = ParserTarget()
    cases = [target.draw(case_random("seed", number)) for number in range(50)]
    assert cases == [target.draw(case_random("seed", number)) for number in range(50)]
    assert cases != [target.draw(case_random("other", number)) for number in range(50)]


def test_any_bytes_are_a_case() -> None:
    """A fuzzer that is guided by coverage invents bytes."""
    for target in TARGETS.values():
        for data in (b"", b"\0", b"\1\2\3", b"\1\2\7\0*1\r\n$4\r\nPING\r\n", bytes(range(256))):
            target().check(target().decode(data))


def test_each_target_passes_a_short_run() -> None:
    """The long one is `make fuzz`."""
    for name in TARGETS:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", name, "--inputs", "3000", "--seed", "1"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "3000 inputs in" in done.stdout
