"""Clients that ask for something, wait for the reply, think, and ask again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from memcloud.protocol.effects import Outcome as Ending
from memcloud.protocol.effects import Reply
from memcloud.protocol.table import NO_CLUSTER
from tests.histories import Kind, Operation, Outcome
from tests.histories.operations import FOREVER

from .seen import Seen
from .world import Process, World

PATIENCE_MS = 6000.0
COUNTERS = 3  # every third key is one


@dataclass
class Client:
    """One client; it has one command on its way at a time."""

    world: World
    seen: Seen
    number: int
    keys: int
    is_stopped: bool = False
    turn: int = 0

    def go(self) -> None:
        """Ask for something."""
        world, random = self.world, self.world.random
        process = random.choice(list(world.devices.values())).process
        if self.is_stopped:
            return
        if process is None:
            world.after(random.uniform(20, 60), self.go)
            return
        self.turn += 1
        index = random.randrange(self.keys)
        key = f"k{index}"
        kind, argument, command = Kind.GET, "", f"GET {key}"
        if random.random() < 0.5:
            if index % COUNTERS == 0:
                kind, argument, command = Kind.INCR, "1", f"INCR {key}"
            else:
                argument = f"{self.number}.{self.turn}"
                kind, command = Kind.SET, f"SET {key} {argument}"
        operation = Operation(
            key.encode(), kind, argument.encode(), world.now_ms, FOREVER, Outcome.UNKNOWN
        )
        turn = self.turn
        world.after(PATIENCE_MS, self._give_up, turn, operation)
        world.request(
            process,
            index % world.slot_count,
            command.encode(),
            lambda reply: self._answered(process, turn, operation, reply),
        )

    def _answered(self, process: Process, turn: int, operation: Operation, reply: Reply) -> None:
        if turn != self.turn:
            return
        seen, now_ms = self.seen, self.world.now_ms
        seen.outcomes[reply.outcome] += 1
        if reply.outcome is Ending.DONE:
            assert process.core.table is not None
            done = replace(
                operation,
                returned=now_ms,
                outcome=Outcome.OK,
                result=_result(operation.kind, reply.reply),
            )
            seen.operations.append((process.core.table.cluster, done))
            gap_ms = now_ms - max(seen.last_done_ms, operation.called)
            seen.longest_gap_ms = max(seen.longest_gap_ms, gap_ms)
            seen.last_done_ms = now_ms
        elif reply.outcome is Ending.UNKNOWN:
            seen.operations.append((NO_CLUSTER, operation))
        self._next()

    def _give_up(self, turn: int, operation: Operation) -> None:
        if turn == self.turn:
            self.seen.outcomes["given up"] += 1
            if operation.kind is not Kind.GET:
                self.seen.operations.append((NO_CLUSTER, operation))
            self._next()

    def _next(self) -> None:
        self.turn += 1
        self.world.after(self.world.random.uniform(20, 180), self.go)


def _result(kind: Kind, reply: bytes) -> bytes | int | None:
    if kind is Kind.INCR:
        return int(reply)
    return reply if kind is Kind.GET and reply != b"nil" else None
