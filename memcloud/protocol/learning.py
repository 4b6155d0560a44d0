"""Giving slots to other members: the side that gets them. See `moves`.

What arrives is staged: no client sees it, no command finds it, and it is nothing until a table says
that this node holds the slot. It is complete when all its chunks have arrived in their order; from
then on it takes entries like a backup.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .copies import Copy
from .messages import (
    CopyAck,
    CopyChunk,
    CopyDropped,
    CopyOffered,
    CopyRefused,
    Part,
    Replicate,
    Replicated,
)
from .results import Results
from .serving import take_entry
from .settings import WINDOW_CHUNKS
from .state import State
from .table import Member


@dataclass(slots=True)
class Lesson:
    """What one primary is copying to this node."""

    attempt: int
    epoch: int
    number: int = 0  # of the last chunk that was taken
    early: dict[int, CopyChunk] = field(default_factory=dict)  # those that came before others
    begun: dict[int, None] = field(default_factory=dict)  # slots, in order
    complete: dict[int, Copy] = field(default_factory=dict)


class Learning:
    """The staged copies of this node."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._lessons: dict[Member, Lesson] = {}

    def on_offer(self, source: Member, message: CopyOffered) -> None:
        """Accept a copy if there is room, once."""
        state = self._state
        if not all(self._may_learn(source, slot, message.epoch) for slot in message.slots):
            return
        lesson = self._lessons.get(source)
        if lesson is not None and lesson.epoch == message.epoch:
            if message.attempt < lesson.attempt:
                return
            if message.attempt == lesson.attempt:
                state.send(source, CopyAck(message.epoch, message.attempt, lesson.number))
                return
        self._forget(source)
        if message.size_bytes > state.store.free_bytes:
            refused = CopyRefused(message.epoch, message.attempt, state.store.free_bytes)
            state.send(source, refused)
            return
        self._lessons[source] = Lesson(message.attempt, message.epoch)
        state.send(source, CopyAck(message.epoch, message.attempt, 0))

    def on_chunk(self, source: Member, message: CopyChunk) -> None:
        """Take the next chunk of a copy."""
        state = self._state
        lesson = self._find(source, message.attempt, message.epoch)
        if lesson is None or not all(
            self._may_learn(source, part.slot, message.epoch) for part in message.parts
        ):
            return
        if lesson.number < message.number <= lesson.number + WINDOW_CHUNKS:
            lesson.early[message.number] = message
        while (following := lesson.early.pop(lesson.number + 1, None)) is not None:
            lesson.number = following.number
            for part in following.parts:
                self._take(lesson, part)
        state.send(source, CopyAck(message.epoch, message.attempt, lesson.number))

    def on_dropped(self, source: Member, message: CopyDropped) -> None:
        """Forget a copy that will not be completed."""
        if self._find(source, message.attempt, message.epoch) is not None:
            self._forget(source)

    def on_replicate(self, source: Member, message: Replicate) -> None:
        """Take an entry behind a complete copy."""
        state, slot = self._state, message.slot
        lesson = self._find(source, message.attempt, message.epoch)
        if lesson is None or not self._may_learn(source, slot, message.epoch):
            return
        copy = lesson.complete.get(slot)
        if copy is None:
            return
        take_entry(
            copy, message.entry, lambda data: state.store.apply_staged(slot, data, state.now_ms)
        )
        state.send(source, Replicated(message.epoch, slot, message.attempt, copy.sequence))

    def staged(self) -> dict[int, Copy]:
        """Return the complete copies by slot."""
        return {
            slot: copy
            for lesson in self._lessons.values()
            for slot, copy in lesson.complete.items()
        }

    def end(self) -> None:
        """A new table is in force: staged copies are held now, or nothing."""
        for source in list(self._lessons):
            self._forget(source)

    def _take(self, lesson: Lesson, part: Part) -> None:
        state, slot = self._state, part.slot
        assert state.table is not None
        if part.is_first:
            state.store.unstage(slot)
            lesson.begun[slot] = None
        state.store.stage(slot, part.data, state.now_ms)
        if part.is_last:
            lineage = state.table.slots[slot].lineage
            lesson.complete[slot] = Copy(lineage, part.sequence, Results.load(part.memory))

    def _may_learn(self, source: Member, slot: int, epoch: int) -> bool:
        table = self._state.table
        if table is None or epoch != table.epoch or slot >= len(table.slots):
            return False
        assignment = table.slots[slot]
        return assignment.primary == source and self._state.me not in assignment.holders

    def _find(self, source: Member, attempt: int, epoch: int) -> Lesson | None:
        lesson = self._lessons.get(source)
        if lesson is None or lesson.attempt != attempt or lesson.epoch != epoch:
            return None
        return lesson

    def _forget(self, source: Member) -> None:
        lesson = self._lessons.pop(source, None)
        if lesson is not None:
            for slot in lesson.begun:
                self._state.store.unstage(slot)
