"""Plain counters of one node; INFO and the metrics read them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, fields

SAMPLE_INTERVAL_MS = 100
SAMPLES = 16


@dataclass(slots=True)
class CommandStats:
    """What one command has cost so far."""

    calls: int = 0
    duration_ns: int = 0
    rejected: int = 0  # before it ran: arity, authentication, memory
    failed: int = 0  # while it ran


@dataclass(slots=True)
class Statistics:
    """Counters since the start or the last CONFIG RESETSTAT."""

    connections_received: int = 0
    connections_rejected: int = 0
    commands_processed: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    forwarded_out: int = 0  # commands sent to their owner
    forwarded_in: int = 0  # commands run for another node
    forwarded_failed: int = 0
    protocol_errors: int = 0
    output_limit_disconnections: int = 0
    commands: dict[str, CommandStats] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)  # error code -> replies
    _samples: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def reset(self) -> None:
        """Start again from 0, as CONFIG RESETSTAT asks for."""
        fresh = Statistics()
        for counter in fields(self):
            setattr(self, counter.name, getattr(fresh, counter.name))

    def command(self, name: str) -> CommandStats:
        """Return the counters of a command, new ones at its first call."""
        found = self.commands.get(name)
        if found is None:
            found = self.commands[name] = CommandStats()
        return found

    def count_error(self, text: str) -> None:
        """Count an error reply by its code, the first word of ``text``."""
        code = text.partition(" ")[0]
        # A bound, as in Redis, on codes that a script or module could invent without end.
        if code in self.errors or len(self.errors) < 128:
            self.errors[code] = self.errors.get(code, 0) + 1

    def sample(self, now_ms: int) -> None:
        """Note the number of commands so far, for `commands_per_second`; call it at every tick."""
        if not self._samples or now_ms - self._samples[-1][0] >= SAMPLE_INTERVAL_MS:
            self._samples.append((now_ms, self.commands_processed))

    def commands_per_second(self) -> int:
        """Return the rate over the last samples, about 1.6 s."""
        if len(self._samples) < 2:
            return 0
        (first_ms, first), (last_ms, last) = self._samples[0], self._samples[-1]
        return (last - first) * 1000 // max(1, last_ms - first_ms)
