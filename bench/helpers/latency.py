"""How long a server takes to answer one small command: `latency PORT PER_SECOND WORD...`.

The command is sent at fixed times, one at a time on one connection. When a reply comes late, the
commands that were due meanwhile count as well, each from the time at which it was due: else a
stall of a second would be one sample among thousands and hide.

A line on standard input begins a phase of that name; the figures are for each phase.
"""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress


class Probe:
    """Asks a server again and again, and notes how long each answer took."""

    def __init__(self, connection: socket.socket, request: bytes, interval_ns: int) -> None:
        self._connection = connection
        self._request = request
        self._interval_ns = interval_ns
        self.phases: dict[str, list[int]] = {}
        self._taken: list[int] = []  # of what comes before the first phase

    def run(self) -> None:
        """Ask until standard input ends."""
        due_ns = time.perf_counter_ns()
        while self._listen_until(due_ns):
            sent_ns = time.perf_counter_ns()
            self._connection.sendall(self._request)
            reply = self._connection.recv(1 << 16)
            now_ns = time.perf_counter_ns()
            if not reply or reply.startswith(b"-"):
                sys.exit(f"the server answered {reply!r}")
            self._taken.append(now_ns - sent_ns)
            due_ns += self._interval_ns
            while due_ns < now_ns:
                self._taken.append(now_ns - due_ns)
                due_ns += self._interval_ns

    def _listen_until(self, due_ns: int) -> bool:
        """Wait until the next command is due; tell whether there is to be one."""
        while True:
            left_s = max(0.0, (due_ns - time.perf_counter_ns()) / 1e9)
            if not select.select([sys.stdin], [], [], left_s)[0]:
                return True
            line = sys.stdin.readline()
            if not line:
                return False
            self._taken = self.phases.setdefault(line.strip(), [])


def percentiles(samples: Sequence[int]) -> dict[str, float]:
    """Return some percentiles of durations, in milliseconds."""
    if not samples:
        return {"count": 0, "p50": 0.0, "p99": 0.0, "p999": 0.0, "max": 0.0}
    ordered = sorted(samples)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] / 1e6

    return {
        "count": len(ordered),
        "p50": at(0.5),
        "p99": at(0.99),
        "p999": at(0.999),
        "max": ordered[-1] / 1e6,
    }


def main() -> None:
    """Run with the words of the command line."""
    port, per_second, words = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    bulks = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    gc.disable()
    with suppress(PermissionError, AttributeError):
        # It has to be punctual to judge others; it sleeps nearly all the time.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        probe = Probe(connection, f"*{len(words)}\r\n{bulks}".encode(), 10**9 // per_second)
        probe.run()
    print(json.dumps({name: percentiles(taken) for name, taken in probe.phases.items()}))


if __name__ == "__main__":
    main()
