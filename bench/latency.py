"""The latency of small commands while something else happens to a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .errors import BenchError
from .helpers import Helper, helping


@dataclass(frozen=True)
class Latency:
    """Percentiles in milliseconds of so many replies."""

    count: int
    p50: float
    p99: float
    p999: float
    max: float

    def cells(self) -> list[str]:
        """Return the figures for a table."""
        return [f"{figure:.2f}" for figure in (self.p50, self.p99, self.p999, self.max)]


CELLS = ("p50 ms", "p99 ms", "p99.9 ms", "max ms")


class LatencyProbe:
    """A process that asks a server the same small thing many times a second."""

    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    def phase(self, name: str) -> None:
        """Count what comes from now on under a name."""
        self._helper.tell(name)

    def result(self) -> dict[str, Latency]:
        """End it; return what each phase has shown. Raises BenchError if one has nothing."""
        found = {name: Latency(**figures) for name, figures in self._helper.result().items()}
        for name, latency in found.items():
            if latency.count == 0:
                raise BenchError(f"there was no reply while {name}")
        return found


@contextmanager
def probing(port: int, *words: str, per_second: int = 1000) -> Iterator[LatencyProbe]:
    """Run a probe that sends a command so often; see `bench/helpers/latency.py`."""
    with helping("latency", port, per_second, *words) as helper:
        yield LatencyProbe(helper)
