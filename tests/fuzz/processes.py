"""Workers as processes, so that a crash ends one of them and not the run."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized

from .targets import TARGETS
from .worker import Found, check_many

_START = multiprocessing.get_context("spawn")


def _work(
    target: str, seed: str, numbers: range, deadline: float, now_at: Synchronized[int],
    results: Connection,
) -> None:  # fmt: skip
    results.send(check_many(TARGETS[target](), seed, numbers, deadline, now_at))


class Worker:
    """A process, and what is known of it."""

    def __init__(self, target: str, seed: str, numbers: range, deadline: float) -> None:
        self._now_at = _START.Value("q", -1)
        self._results, sender = _START.Pipe(duplex=False)
        self._process = _START.Process(
            target=_work,
            args=(target, seed, numbers, deadline, self._now_at, sender),
        )
        self._process.start()
        # Ours must not stay open, or its end would not be seen.
        sender.close()

    def result(self) -> tuple[int, Found | None]:
        """Wait for the end; return how many inputs were checked, and what was found."""
        try:
            done, found = self._results.recv()
        except EOFError:
            self._process.join()
            number = self._now_at.value
            return 0, Found(number, f"The process ended with {self._process.exitcode}.")
        self._process.join()
        return done, found
