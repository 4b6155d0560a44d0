"""A process that checks cases, one after the other."""

from __future__ import annotations

import faulthandler
import gc
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from random import Random
from time import monotonic
from typing import Final

from .target import Target

CHECK_SECONDS_MAX: Final = 0.1
# A page fault or a busy neighbour makes one check slow, never all of them.
_CHECKS_MAX: Final = 5
_BATCH: Final = 1000
# Of a whole batch, on a machine that others use as well. What it ends is a loop without an end.
_BATCH_SECONDS_MAX: Final = 300


@dataclass(frozen=True)
class Found:
    """The input that a target failed on, and how."""

    number: int
    text: str


def case_random(seed: str, number: int) -> Random:
    """Return what the case of this number is drawn from: it can be drawn again alone."""
    return Random(f"{seed}/{number}")


def check_one(target: Target, seed: str, number: int) -> Found | None:
    """Check the case of this number."""
    case = target.draw(case_random(seed, number))
    try:
        seconds = target.check(case)
        for _ in range(_CHECKS_MAX - 1):
            if seconds <= CHECK_SECONDS_MAX:
                break
            seconds = min(seconds, target.check(case))
        assert seconds <= CHECK_SECONDS_MAX, f"{seconds:.3f} s of CPU for one input"
    except Exception:  # noqa: BLE001 - whatever it is, it is what we are looking for
        return Found(number, f"{traceback.format_exc()}\n{case!r:.4000}")
    return None


def check_many(
    target: Target, seed: str, numbers: Iterable[int], deadline: float, now_at: Synchronized[int]
) -> tuple[int, Found | None]:
    """Return how many cases were checked, and what was found.

    ``now_at`` always has the number of the case that is being checked, for whoever finds out that
    this process has crashed.
    """
    gc.freeze()
    done = 0
    try:
        for number in numbers:
            if done % _BATCH == 0:
                faulthandler.dump_traceback_later(_BATCH_SECONDS_MAX, exit=True)
                if monotonic() > deadline:
                    break
            now_at.value = number
            found = check_one(target, seed, number)
            done += 1
            if found is not None:
                return done, found
    finally:
        faulthandler.cancel_dump_traceback_later()  # it would end whatever runs here next
    return done, None
