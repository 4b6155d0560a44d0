"""Reads how short of memory the machine is, and the control group of this process.

Cheap enough for ten times a second: some small files that the kernel writes as they are read, about
0.1 ms together. A file that is not there, or cannot be made sense of, means that this fact is not
known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psutil

from memcloud.pressure import Pressure

from .control_groups import Group, find_groups

PROC: Final = Path("/proc")


class MemoryGauge:
    """Call `read` as often as the facts are wanted."""

    def __init__(self, proc: Path = PROC, groups: list[Group] | None = None) -> None:
        self._meminfo = proc / "meminfo"
        self._stalls = proc / "pressure/memory"
        self._groups = find_groups() if groups is None else groups

    def read(self) -> Pressure:
        """Return the facts of this moment."""
        available_bytes, total_bytes = self._machine()
        limit_bytes, used_bytes = self._tightest_group(total_bytes)
        return Pressure(
            available_bytes, total_bytes, self._stalled_percent(), limit_bytes, used_bytes
        )

    def _machine(self) -> tuple[int, int]:
        """Return the bytes available and all there are."""
        try:
            with self._meminfo.open() as file:
                lines = dict(line.split(":", 1) for line in file)
            return _kilobytes(lines["MemAvailable"]), _kilobytes(lines["MemTotal"])
        except (OSError, KeyError, ValueError):
            memory = psutil.virtual_memory()
            return int(memory.available), int(memory.total)

    def _stalled_percent(self) -> float | None:
        """Return the share of the last 10 s in which some task waited for memory."""
        try:
            # some avg10=0.00 avg60=0.00 avg300=0.00 total=0
            with self._stalls.open() as file:
                kind, average, *_ = file.readline().split()
            return float(average.removeprefix("avg10=")) if kind == "some" else None
        except (OSError, ValueError):
            return None

    def _tightest_group(self, total_bytes: int) -> tuple[int | None, int | None]:
        """Return limit and use of the group that has the least left; None without a limit."""
        tightest: tuple[int, int] | None = None
        for group in self._groups:
            limit_bytes = group.limit_bytes()
            # Version 1 has a number near 2**63 for 'no limit'.
            if limit_bytes is None or limit_bytes >= total_bytes:
                continue
            used_bytes = group.used_bytes()
            if used_bytes is None:
                continue
            if tightest is None or limit_bytes - used_bytes < tightest[0] - tightest[1]:
                tightest = limit_bytes, used_bytes
        return tightest or (None, None)


def _kilobytes(words: str) -> int:
    return int(words.split()[0]) << 10
