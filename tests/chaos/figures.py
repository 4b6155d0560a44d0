"""What was measured, beside what it should be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.histories import Operation, check

from .workload import Sample, Workload


@dataclass(frozen=True, slots=True)
class Figure:
    """One number and its target."""

    what: str
    value: float
    target: float
    unit: str = ""
    is_least: bool = False  # the target is the least that will do, not the most

    @property
    def is_reached(self) -> bool:
        """Whether the number is as good as it should be."""
        return self.value >= self.target if self.is_least else self.value <= self.target

    def __str__(self) -> str:
        verdict = "reached" if self.is_reached else "FALLS SHORT"
        sign = ">=" if self.is_least else "<="
        value, target = _text(self.value), _text(self.target)
        return f"  {self.what:<44} {value:>8} {self.unit:<3} {sign} {target:<7} {verdict}"


def correctness(workload: Workload, wipes: Iterable[Operation] = ()) -> list[Figure]:
    """Judge the history of a workload; print what shows that it is wrong."""
    report = check([*workload.history.operations(), *wipes])
    for violation in report.violations[:2]:
        print("    " + str(violation).replace("\n", "\n    "))
    figures = [Figure("keys of which something wrong was said", len(report.violations), 0)]
    if report.undecided:
        figures.append(Figure("keys that the checker gave up on", len(report.undecided), 0))
    return figures


def recovery_s(samples: Sequence[Sample], keys: Iterable[bytes], fault: float) -> list[float]:
    """Return for each key how long after a fault it was first answered, shortest first."""
    found = dict.fromkeys(keys, math.inf)
    for sample in samples:
        if sample.called >= fault and not sample.error and sample.key in found:
            found[sample.key] = min(found[sample.key], sample.returned - fault)
    return sorted(found.values())


def middle(values: Sequence[float]) -> float:
    """Return the median of sorted numbers, infinity if there are none."""
    return values[len(values) // 2] if values else math.inf


def success_percent(samples: Iterable[Sample], since: float, until: float) -> float:
    """Return how many of the calls between two times were answered."""
    within = [not sample.error for sample in samples if since <= sample.called < until]
    return 100 * sum(within) / len(within) if within else 0.0


def longest_call_s(samples: Iterable[Sample], since: float) -> float:
    """Return the longest that an answered call took, of those made from a certain time on."""
    return max(
        (
            sample.returned - sample.called
            for sample in samples
            if sample.called >= since and not sample.error
        ),
        default=math.inf,
    )


def _text(value: float) -> str:
    if math.isinf(value):
        return "never"
    return f"{value:.0f}" if value == int(value) else f"{value:.3f}"
