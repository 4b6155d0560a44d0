"""Processes that measure or make load beside a measurement, each a program of its own.

They are told what to do by their standard input, end when it ends, and print one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import BenchError
from ..programs import ROOT
from ..servers import dying_with_us

END_SECONDS_MAX = 60.0


class Helper:
    """A helper that runs."""

    def __init__(self, process: subprocess.Popen[str], name: str) -> None:
        self._process = process
        self._name = name

    def tell(self, line: str) -> None:
        """Write a line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def wait_for_line(self) -> str:
        """Return the next line that it prints. Raises BenchError if it ends instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(f"{self._name} ended with {self._process.wait()}")
        return line.strip()

    def result(self) -> Any:
        """End it and return what it has found."""
        try:
            output, _ = self._process.communicate(timeout=END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self._name} does not end") from None
        if self._process.returncode != 0:
            raise BenchError(f"{self._name} ended with {self._process.returncode}")
        return json.loads(output)


@contextmanager
def helping(name: str, *words: str | int) -> Iterator[Helper]:
    """Start a helper by the name of its file; kill it at the end if it still runs."""
    command = [*dying_with_us(), sys.executable, "-m", f"bench.helpers.{name}", *map(str, words)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield Helper(process, name)
        finally:
            process.kill()
