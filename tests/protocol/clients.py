"""Clients that ask for something, wait for the reply, think, and ask again; and what they saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from memcloud.protocol.effects import Outcome, Reply

from .operations import Operation
from .world import Process, World

PATIENCE_MS = 6000.0


@dataclass
class History:
    """All that the clients of a run have seen."""

    operations: list[Operation] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    longest_gap_ms: float = 0.0
    last_done_ms: float = 0.0


@dataclass
class Client:
    """One client; it has one command on its way at a time."""

    world: World
    history: History
    number: int
    keys: int
    is_stopped: bool = False
    turn: int = 0

    def go(self) -> None:
        """Ask for something."""
        if self.is_stopped:
            return
        world, random = self.world, self.world.random
        self.turn += 1
        index = random.randrange(self.keys)
        is_counter = index % 3 == 0
        key, slot = f"k{index}", index % world.slot_count
        if random.random() < 0.5:
            name, value, command = "get", "", f"GET {key}"
        elif is_counter:
            name, value, command = "incr", "", f"INCR {key}"
        else:
            value = f"{self.number}.{self.turn}"
            name, command = "set", f"SET {key} {value}"
        operation = Operation(name, key, value, world.now_ms)
        process = world.random.choice(list(world.devices.values())).process
        if process is None:
            world.after(random.uniform(20, 60), self.go)
            return
        world.after(PATIENCE_MS, self._give_up, self.turn, operation)
        turn = self.turn
        world.request(
            process,
            slot,
            command.encode(),
            lambda reply: self._answered(process, turn, operation, reply),
        )

    def _answered(self, process: Process, turn: int, operation: Operation, reply: Reply) -> None:
        if turn != self.turn:
            return
        history, now_ms = self.history, self.world.now_ms
        history.outcomes[reply.outcome] += 1
        if reply.outcome is Outcome.DONE:
            operation.returned_ms = now_ms
            operation.reply = reply.reply.decode()
            assert process.core.table is not None
            operation.cluster = process.core.table.cluster
            history.operations.append(operation)
            gap_ms = now_ms - max(history.last_done_ms, operation.called_ms)
            history.longest_gap_ms = max(history.longest_gap_ms, gap_ms)
            history.last_done_ms = now_ms
        elif reply.outcome is Outcome.UNKNOWN:
            history.operations.append(operation)
        self._next()

    def _give_up(self, turn: int, operation: Operation) -> None:
        if turn == self.turn:
            self.history.outcomes["given up"] += 1
            if operation.name != "get":
                self.history.operations.append(operation)
            self._next()

    def _next(self) -> None:
        self.turn += 1
        self.world.after(self.world.random.uniform(20, 180), self.go)
