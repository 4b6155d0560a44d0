"""Commands of this node's own clients, on their way to the primaries of their slots.

A command is sent again when there is no reply, or another primary; the owners see to it that it
runs once (`results`). There is one case in which that does not help: the slot has started empty,
and what it remembered is gone with its data. A write that may have run before is then answered with
UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .effects import Outcome, Reply
from .messages import Forward, NotServed, Result, TableNeeded
from .settings import REQUEST_MS, RESEND_REQUEST_MS, RETRY_REQUEST_MS
from .state import State
from .table import Member


@dataclass(slots=True)
class Request:
    """A command that has no reply yet."""

    slot: int
    command: bytes
    is_write: bool
    started_ms: int
    due_ms: int  # when it is sent again
    sent_lineage: int | None = None


class Gateway:
    """The open commands of this node's clients."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._last = 0
        self.open: dict[int, Request] = {}  # by counter, ascending

    def request(self, slot: int, command: bytes, *, is_write: bool) -> int:
        """Take a command; return the number that its `Reply` will have."""
        self._last += 1
        now_ms = self._state.now_ms
        self.open[self._last] = Request(slot, command, is_write, now_ms, now_ms)
        self._send(self._last)
        return self._last

    def on_result(self, source: Member, message: Result) -> None:
        """Hand a reply on."""
        self._finish(message.counter, Outcome.DONE, message.reply)

    def on_not_served(self, source: Member, message: NotServed) -> None:
        """Try again soon, by a newer table if there is one."""
        request = self.open.get(message.counter)
        if request is not None:
            request.due_ms = self._state.now_ms + RETRY_REQUEST_MS
        if message.epoch > self._state.epoch:
            self._state.send(source, TableNeeded())

    def table_changed(self, slots: Iterable[int] | None) -> None:
        """Send again what other primaries may have now (None: everything)."""
        if not self.open:
            return
        changed = None if slots is None else frozenset(slots)
        for counter, request in list(self.open.items()):
            if changed is None or request.slot in changed or request.sent_lineage is None:
                self._send(counter)

    def cluster_changed(self) -> None:
        """End the writes that were sent: who was asked is in another cluster. Others may wait."""
        for counter, request in list(self.open.items()):
            if request.is_write and request.sent_lineage is not None:
                self._fail(counter)
            else:
                request.sent_lineage = None

    def tick(self) -> None:
        """Send again what is due, and end what has waited too long."""
        now_ms = self._state.now_ms
        for counter, request in list(self.open.items()):
            if now_ms - request.started_ms >= REQUEST_MS:
                self._fail(counter)
            elif now_ms >= request.due_ms:
                self._send(counter)

    def _send(self, counter: int) -> None:
        state, request = self._state, self.open[counter]
        request.due_ms = state.now_ms + RESEND_REQUEST_MS
        if state.table is None or not state.is_member:
            return
        assignment = state.table.slots[request.slot]
        if request.is_write and request.sent_lineage not in (None, assignment.lineage):
            self._fail(counter)
            return
        request.sent_lineage = assignment.lineage
        floor = next(iter(self.open))
        state.send(
            assignment.primary,
            Forward(counter, floor, request.slot, state.epoch, request.command),
        )

    def _fail(self, counter: int) -> None:
        request = self.open[counter]
        may_have_run = request.is_write and request.sent_lineage is not None
        self._finish(counter, Outcome.UNKNOWN if may_have_run else Outcome.REFUSED, b"")

    def _finish(self, counter: int, outcome: Outcome, reply: bytes) -> None:
        if self.open.pop(counter, None) is not None:
            self._state.effects.append(Reply(counter, outcome, reply))
