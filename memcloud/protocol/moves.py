"""Giving slots to other members, with all that is in them: the giving side.

One mechanism serves for one more backup (COPY) and for a new primary (MOVE). An *attempt* takes a
batch of slots through these steps:

    OFFERED   the target was asked whether it has room
    SYNCING   each slot is sent as it stands when its turn comes, and every entry after that
    BINDING   the target has it all so far; from now on replies wait for it, too
    FROZEN    (MOVE) commands wait; what is on its way arrives
    PROPOSED  the change of the table is being decided

and ends when the next table is in force, whatever that says. Until FROZEN it may be given up. From
PROPOSED on nothing but a newer table ends it: the change may have been decided where this node
cannot see it, and then the target is free to serve.

A target that holds a backup of the slots already has no need of OFFERED and SYNCING.

Whatever travels for an attempt has its number, on both sides. What is late from an earlier attempt,
with the same slots and the same target, must count for nothing in this one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from .copies import Copy, Stream
from .messages import (
    CopyAck,
    CopyChunk,
    CopyDropped,
    CopyOffered,
    CopyRefused,
    MoveKind,
    Order,
    Part,
)
from .serving import Serving
from .settings import ATTEMPT_MS, BATCH_BYTES, PROPOSAL_MS, RESEND_MS, WINDOW_CHUNKS
from .state import State
from .table import Assignment, Member


class Step(IntEnum):
    """How far an attempt has come."""

    OFFERED = 1
    SYNCING = 2
    BINDING = 3
    FROZEN = 4
    PROPOSED = 5


@dataclass(slots=True)
class Attempt:
    """A batch of slots on its way to a member."""

    number: int
    kind: MoveKind
    target: Member
    slots: tuple[int, ...]
    moved_ms: int  # when it last came on
    step: Step = Step.OFFERED
    chunks: Iterator[CopyChunk] = field(default_factory=lambda: iter(()))
    window: deque[CopyChunk] = field(default_factory=deque)  # sent and not acknowledged
    acked: int = 0
    sent_ms: int = 0
    proposed_ms: int = 0
    open: dict[int, int] = field(default_factory=dict)  # slot -> what must have arrived yet
    is_done: bool = False  # the target has the slots
    needed_bytes: int | None = None  # what the target had no room for


Proposed = dict[int, Assignment]


class Moves:
    """The attempt of this node as a primary; one at a time."""

    def __init__(self, state: State, serving: Serving) -> None:
        """``propose`` is set by who joins the parts: it proposes the assignments of an attempt."""
        self._state = state
        self._serving = serving
        self._last_number = 0
        self.attempt: Attempt | None = None
        self.propose: Callable[[Proposed], bool] = lambda proposed: False
        self.refused_bytes: dict[Member, int] = {}  # by who had no room, what it had
        self.done = 0
        self.aborted = 0
        serving.drained = lambda slot: self._advance()

    def on_order(self, order: Order) -> None:
        """Start an attempt if nothing speaks against it."""
        state = self._state
        table = state.table
        if table is None or order.epoch != table.epoch or self.attempt is not None:
            return
        if order.target not in table or order.target == state.me:
            return
        slots = self._batch(order)
        if not slots:
            return
        self._last_number += 1
        # Unique over all primaries of a target, and over the epochs.
        number = self._last_number
        attempt = Attempt(number, order.kind, order.target, slots, state.now_ms)
        self.attempt = attempt
        if all(order.target in table.slots[slot].backups for slot in slots):
            attempt.step = Step.BINDING
            self._bind(attempt)
            self._advance()
        else:
            self._offer(attempt)

    def on_ack(self, source: Member, message: CopyAck) -> None:
        """The target has the chunks up to that one, or (0) accepts the offer."""
        attempt = self._find(source, message.attempt, message.epoch)
        if attempt is None:
            return
        if attempt.step is Step.OFFERED:
            attempt.step = Step.SYNCING
            attempt.chunks = self._chunks(attempt)
            attempt.moved_ms = self._state.now_ms
        if attempt.step is not Step.SYNCING:
            return
        if message.number > attempt.acked:
            attempt.acked = message.number
            attempt.moved_ms = self._state.now_ms
            while attempt.window and attempt.window[0].number <= attempt.acked:
                attempt.window.popleft()
        self._fill_window(attempt)

    def on_refused(self, source: Member, message: CopyRefused) -> None:
        """The target has no room."""
        attempt = self._find(source, message.attempt, message.epoch)
        if attempt is not None:
            store = self._state.store
            attempt.needed_bytes = sum(store.size_bytes(slot) for slot in attempt.slots)
            self.refused_bytes[source] = message.free_bytes
            self._give_up()

    def check(self) -> None:
        """See whether what arrived lets the attempt go on."""
        if self.attempt is not None and self.attempt.step is Step.BINDING:
            self._advance()

    def tick(self) -> None:
        """Send again, give up, or see to an undecided proposal."""
        attempt, now_ms = self.attempt, self._state.now_ms
        if attempt is None:
            return
        if attempt.step in (Step.OFFERED, Step.SYNCING, Step.BINDING):
            if now_ms - attempt.moved_ms >= ATTEMPT_MS:
                self._give_up()
            elif now_ms - attempt.sent_ms >= RESEND_MS:
                self._send_again(attempt)
        elif attempt.step is Step.FROZEN:
            self._advance()
        elif now_ms - attempt.proposed_ms >= PROPOSAL_MS:
            self._propose(attempt)

    def end(self) -> tuple[int, ...]:
        """A new table is in force: the attempt is over. Return its slots."""
        attempt, self.attempt = self.attempt, None
        if attempt is None:
            return ()
        table = self._state.table
        attempt.is_done = table is not None and all(
            attempt.target in (now.holders if attempt.kind is MoveKind.COPY else (now.primary,))
            for now in (table.slots[slot] for slot in attempt.slots)
        )
        self.done += attempt.is_done
        for slot in attempt.slots:
            copy = self._serving.held.get(slot)
            if copy is not None and (
                table is None or attempt.target not in table.slots[slot].backups
            ):
                copy.streams.pop(attempt.target, None)
        self._serving.refresh(attempt.slots)
        return attempt.slots

    def _batch(self, order: Order) -> tuple[int, ...]:
        """Return the slots of an order that this node can give, up to the size of a batch."""
        table, store = self._state.table, self._state.store
        assert table is not None
        slots: list[int] = []
        size_bytes = 0
        for slot in order.slots:
            if not self._serving.can_serve(slot):
                continue
            is_backup = order.target in table.slots[slot].backups
            if is_backup and order.kind is MoveKind.COPY:
                continue
            if slots and is_backup != (order.target in table.slots[slots[0]].backups):
                continue
            size_bytes += 0 if is_backup else store.size_bytes(slot)
            if slots and size_bytes > BATCH_BYTES:
                break
            slots.append(slot)
        return tuple(slots)

    def _offer(self, attempt: Attempt) -> None:
        state = self._state
        attempt.sent_ms = state.now_ms
        size_bytes = sum(state.store.size_bytes(slot) for slot in attempt.slots)
        offer = CopyOffered(state.epoch, attempt.number, attempt.slots, size_bytes)
        state.send(attempt.target, offer)

    def _chunks(self, attempt: Attempt) -> Iterator[CopyChunk]:
        """Yield the slots in chunks, each slot as it is when its first chunk is asked for."""
        epoch, full_bytes = self._state.epoch, self._state.settings.chunk_bytes
        number, size_bytes, parts = 0, 0, list[Part]()
        for part in self._parts(attempt):
            parts.append(part)
            size_bytes += part.size_bytes
            if size_bytes >= full_bytes:
                number += 1
                yield CopyChunk(epoch, attempt.number, number, tuple(parts))
                size_bytes, parts = 0, []
        if parts:
            yield CopyChunk(epoch, attempt.number, number + 1, tuple(parts))

    def _parts(self, attempt: Attempt) -> Iterator[Part]:
        state = self._state
        for slot in attempt.slots:
            copy = self._serving.held[slot]
            parts = state.store.snapshot(slot, state.now_ms) or [b""]
            memory = copy.results.export()
            sequence = copy.sequence
            copy.streams[attempt.target] = Stream(sequence, attempt.number, is_binding=False)
            self._serving.refresh((slot,))
            for index, part in enumerate(parts):
                is_last = index == len(parts) - 1
                yield Part(slot, sequence, index == 0, is_last, part, memory if is_last else ())

    def _fill_window(self, attempt: Attempt) -> None:
        while len(attempt.window) < WINDOW_CHUNKS:
            chunk = next(attempt.chunks, None)
            if chunk is None:
                break
            attempt.window.append(chunk)
            attempt.sent_ms = self._state.now_ms
            self._state.send(attempt.target, chunk)
        if not attempt.window:
            attempt.step = Step.BINDING
            self._bind(attempt)
            self._advance()

    def _bind(self, attempt: Attempt) -> None:
        """From here on no reply is released that the target does not know of."""
        for slot in attempt.slots:
            copy = self._serving.held[slot]
            copy.streams[attempt.target].is_binding = True
            attempt.open[slot] = copy.sequence
        self._serving.refresh(attempt.slots)

    def _send_again(self, attempt: Attempt) -> None:
        attempt.sent_ms = self._state.now_ms
        if attempt.step is Step.OFFERED:
            self._offer(attempt)
        for chunk in attempt.window:
            self._state.send(attempt.target, chunk)

    def _advance(self) -> None:
        attempt = self.attempt
        if attempt is None or attempt.step not in (Step.BINDING, Step.FROZEN):
            return
        held = self._serving.held
        if attempt.step is Step.BINDING:
            self._close(attempt, lambda copy: copy.streams[attempt.target].acked)
            if attempt.open:
                return
            if attempt.kind is MoveKind.MOVE:
                attempt.step = Step.FROZEN
                for slot in attempt.slots:
                    held[slot].is_frozen = True
                    attempt.open[slot] = held[slot].sequence
                self._serving.refresh(attempt.slots)
        if attempt.step is Step.FROZEN:
            self._close(attempt, lambda copy: copy.committed)
            if attempt.open:
                return
        self._propose(attempt)

    def _close(self, attempt: Attempt, arrived: Callable[[Copy], int]) -> None:
        """Forget the slots of which enough has arrived."""
        for slot, due in list(attempt.open.items()):
            if arrived(self._serving.held[slot]) >= due:
                del attempt.open[slot]

    def _propose(self, attempt: Attempt) -> None:
        table = self._state.table
        assert table is not None
        proposed: Proposed = {}
        for slot in attempt.slots:
            now = table.slots[slot]
            if attempt.kind is MoveKind.COPY:
                backups = (*now.backups, attempt.target)
                proposed[slot] = now._replace(backups=backups)
            else:
                backups = tuple(each for each in now.backups if each != attempt.target)
                if attempt.target in now.backups:  # they change places
                    backups = (*backups, self._state.me)
                proposed[slot] = Assignment(attempt.target, backups, now.lineage)
        if self.propose(proposed):
            attempt.step = Step.PROPOSED
            attempt.proposed_ms = self._state.now_ms

    def _give_up(self) -> None:
        attempt = self.attempt
        assert attempt is not None
        assert attempt.step < Step.FROZEN
        self.aborted += 1
        self._state.send(attempt.target, CopyDropped(self._state.epoch, attempt.number))
        for slot in self.end():
            copy = self._serving.held.get(slot)
            if copy is not None:
                self._serving.release(slot)

    def _find(self, source: Member, number: int, epoch: int) -> Attempt | None:
        attempt = self.attempt
        if attempt is None or attempt.number != number or attempt.target != source:
            return None
        return attempt if epoch == self._state.epoch else None
