"""Running commands on the slots that this node holds, as their primary or as a backup.

The primary runs commands in the order in which they come. What a command changes is an entry with
the next sequence number, sent to every backup; its reply is released when all of them have it, and
so is the reply of any later command, which has seen the change. That makes the moment of running
the moment at which the command takes effect: nothing is told to anybody that could still be lost,
and while it runs, the lease says that nobody else runs commands on that slot.

A backup takes entries from the primary of its own table only, at its own epoch, in order, and never
changes anything by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .copies import NO_RESULTS, Copy, Stream, Unreleased
from .messages import Entry, Forward, NotServed, Origin, Replicate, Replicated, Result
from .settings import DRIFT, RESEND_MS
from .state import State
from .table import Assignment, Member, Table

READABLE = 1
DIRECT = 2
"""See `Serving.direct`."""

WAITING_MAX = 1000
"""Commands for one slot that wait for the end of a freeze or hold."""


class Serving:
    """The slots that this node holds."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.held: dict[int, Copy] = {}
        self.busy: dict[int, None] = {}  # slots with something on its way, in order
        self.drained: Callable[[int], None] = lambda slot: None
        """Called when a frozen slot has nothing on its way any more."""
        self.direct = bytearray(state.settings.slot_count)
        """By slot, what a client may do at once while the lease is valid, without `answer`.

        0: nothing; `READABLE`: read, since all that is here is on the backups too; `DIRECT`: any
        command, since there are none.
        """
        self.is_closed = False  # the cluster dissolves
        self.remembered = 0  # commands that were sent again after they had run
        self.refused_late = 0  # and after their gateway had stopped waiting
        self._holding: dict[int, None] = {}  # slots that are not served yet, in order

    def can_serve(self, slot: int) -> bool:
        """Return whether this node may run a command on the slot now."""
        state = self._state
        copy = self.held.get(slot)
        return (
            copy is not None
            and not copy.is_frozen
            and self._is_primary(slot)
            and not self.is_closed
            and state.now_ms >= copy.serve_ms
            and state.leases.is_valid(state.now_ms)
        )

    def on_forward(self, source: Member, message: Forward) -> None:
        """Run a command for a member, unless it has been run."""
        state, slot = self._state, message.slot
        copy = self.held.get(slot)
        is_early = copy is not None and (copy.is_frozen or state.now_ms < copy.serve_ms)
        if copy is not None and is_early and self._is_primary(slot):
            if len(copy.waiting) < WAITING_MAX:
                copy.waiting.append((source, message))
            return  # else it is sent again
        if copy is None or not self.can_serve(slot) or not self._is_member(source):
            state.send(source, NotServed(message.counter, state.epoch))
            return
        known = copy.results.find(source, message.counter)
        if known is not None:
            self.remembered += 1
            reply, sequence = known
            if sequence <= copy.committed:
                state.send(source, Result(message.counter, reply))
            return  # else it will be released
        if copy.results.is_settled(source, message.counter):
            self.refused_late += 1
            return
        origin = Origin(source, message.counter, message.floor)
        self._run(slot, copy, origin, message.command)

    def change(self, slot: int, effects: bytes) -> None:
        """Hand on what the primary itself has changed, such as an expiry."""
        self._append(slot, self.held[slot], effects, None, b"")
        self.release(slot)

    def answer(
        self,
        slot: int,
        effects: bytes,
        release: Callable[[bool], None],
        origin: Origin | None = None,
        reply: bytes = b"",
    ) -> bool:
        """Take what a command that the node itself has run on a slot has changed.

        Return whether it may be answered now; else ``release`` is called when it may be
        (`Unreleased`). So may not a command that changed nothing, if it saw what is on its way.
        The reply to one with an origin is remembered.
        """
        copy = self.held[slot]
        if effects:
            self._append(slot, copy, effects, origin, reply)
        if copy.committed == copy.sequence:
            self.refresh((slot,))
            return True
        copy.unreleased.append(Unreleased(copy.sequence, release))
        return False

    def _run(self, slot: int, copy: Copy, origin: Origin, command: bytes) -> None:
        state = self._state
        reply, effects = state.store.run(slot, command, state.now_ms)
        if effects:
            self._append(slot, copy, effects, origin, reply)

        def release(is_done: bool) -> None:
            counter = origin.counter
            answer = Result(counter, reply) if is_done else NotServed(counter, state.epoch)
            state.send(origin.gateway, answer)

        copy.unreleased.append(Unreleased(copy.sequence, release))
        self.release(slot)

    def _append(
        self, slot: int, copy: Copy, effects: bytes, origin: Origin | None, reply: bytes
    ) -> None:
        copy.sequence += 1
        entry = Entry(copy.sequence, effects, origin, reply)
        if origin is not None:
            copy.remember(origin, reply, copy.sequence)
        for member, stream in copy.streams.items():
            if not stream.entries:
                stream.sent_ms = self._state.now_ms
            stream.entries.append(entry)
            self._send_entry(slot, member, stream, entry)
        if copy.streams:
            self.busy[slot] = None
            self.direct[slot] = 0

    def _send_entry(self, slot: int, member: Member, stream: Stream, entry: Entry) -> None:
        state = self._state
        state.send(member, Replicate(state.epoch, slot, stream.attempt, entry))

    def release(self, slot: int) -> None:
        """Send the replies that wait for nothing any more."""
        copy = self.held[slot]
        committed = copy.committed
        if committed == copy.sequence:
            released, copy.unreleased = copy.unreleased, []
        else:
            count = 0
            for each in copy.unreleased:
                if each.sequence > committed:
                    break
                count += 1
            released = copy.unreleased[:count]
            del copy.unreleased[:count]
        for each in released:
            each.release(True)
        if committed == copy.sequence:
            self.refresh((slot,))
            if copy.is_frozen:
                self.drained(slot)

    def on_replicated(self, source: Member, message: Replicated) -> None:
        """Note what another member has of a slot."""
        state = self._state
        copy = self.held.get(message.slot)
        if copy is None or message.epoch != state.epoch or not self._is_primary(message.slot):
            return
        stream = copy.streams.get(source)
        if stream is None or stream.attempt != message.attempt:
            return  # of a copy that is none any more
        stream.take_ack(message.sequence)
        self.release(message.slot)

    def on_replicate(self, source: Member, message: Replicate) -> None:
        """Take an entry as a backup of the table."""
        state, slot = self._state, message.slot
        table = state.table
        if table is None or message.epoch != table.epoch:
            return
        assignment = table.slots[slot]
        copy = self.held.get(slot)
        if copy is None or assignment.primary != source or state.me not in assignment.backups:
            return
        take_entry(copy, message.entry, lambda data: state.store.apply(slot, data, state.now_ms))
        state.send(source, Replicated(message.epoch, slot, 0, copy.sequence))

    def refresh(self, slots: Iterable[int]) -> None:
        """Work out again which of these slots are direct."""
        now_ms = self._state.now_ms
        for slot in slots:
            self.direct[slot] = 0
            copy = self.held.get(slot)
            if copy is None or not self._is_primary(slot):
                continue
            if now_ms < copy.serve_ms:
                self._holding[slot] = None
            elif not copy.is_frozen and self._state.store.is_in(slot):
                if not copy.streams:
                    self.direct[slot] = DIRECT
                elif copy.committed == copy.sequence:
                    self.direct[slot] = READABLE

    def tick(self) -> None:
        """Send again what was not acknowledged."""
        state = self._state
        if self._holding:
            held, self._holding = self._holding, {}
            self.refresh(held)
            self.resume(slot for slot in held if slot not in self._holding)
        for slot in list(self.busy):
            copy = self.held.get(slot)
            if copy is None or not copy.is_busy:
                del self.busy[slot]
                continue
            for member, stream in copy.streams.items():
                if stream.entries and state.now_ms - stream.sent_ms >= RESEND_MS:
                    stream.sent_ms = state.now_ms
                    for entry in list(stream.entries)[:64]:
                        self._send_entry(slot, member, stream, entry)

    def adopt(
        self, old: Table | None, new: Table, slots: Iterable[int], staged: dict[int, Copy]
    ) -> None:
        """Hold what the table says; ``slots`` are those that may have changed.

        ``staged`` has the copies of slots that are complete.
        """
        me, held, direct = self._state.me, self.held, self.direct
        for slot in slots:
            assignment = new.slots[slot]
            primary, backups, lineage, hold_ms = assignment
            is_new = slot not in held and slot not in staged
            if is_new and primary == me and not backups and not hold_ms:  # most, at a start
                held[slot] = Copy(lineage)
                direct[slot] = DIRECT
                continue
            if me not in assignment.holders:
                self._let_go(slot)
                continue
            copy = self._hold(slot, assignment, staged.get(slot))
            if assignment.primary == self._state.me:
                self._state.store.lead(slot)
                had_it = old is not None and old.slots[slot].primary == self._state.me
                self._lead(slot, copy, assignment, had_it=had_it)
            else:
                self._state.store.follow(slot)
                copy.streams.clear()
                self._give_back(copy)
            self.refresh((slot,))

    def resume(self, slots: Iterable[int]) -> None:
        """End the freeze or hold of slots, and run what has waited for it."""
        for slot in slots:
            copy = self.held.get(slot)
            if copy is None:
                continue
            copy.is_frozen = False
            waiting, copy.waiting = copy.waiting, []
            self.refresh((slot,))
            self.release(slot)
            for source, message in waiting:
                self.on_forward(source, message)

    def drop_all(self) -> None:
        """Hold nothing any more."""
        for slot in list(self.held):
            self._let_go(slot)
        self.busy.clear()

    def forget_gateways(self, table: Table) -> None:
        """Forget the results of members that are gone."""
        for copy in self.held.values():
            if copy.results is not NO_RESULTS:
                copy.results.keep_only(table.members)

    def _hold(self, slot: int, assignment: Assignment, staged: Copy | None) -> Copy:
        copy = self.held.get(slot)
        if copy is not None and copy.lineage == assignment.lineage:
            return copy
        if copy is not None:
            self._let_go(slot)
        if staged is not None and staged.lineage == assignment.lineage:
            self._state.store.adopt_staged(slot)
            copy = staged
        else:
            copy = Copy(assignment.lineage)
        self.held[slot] = copy
        return copy

    def _lead(self, slot: int, copy: Copy, assignment: Assignment, *, had_it: bool) -> None:
        state = self._state
        if not had_it:
            copy.serve_ms = state.now_ms + round(assignment.hold_ms * (1 + DRIFT))
        streams = copy.streams
        # One that is new here got its copy as the target of a move, or gave the slot away drained.
        copy.streams = {
            member: streams.get(member) or Stream(copy.sequence) for member in assignment.backups
        }
        for stream in copy.streams.values():
            stream.attempt = 0
            stream.is_binding = True
            stream.sent_ms = 0  # again, at this epoch
        if copy.is_busy:
            self.busy[slot] = None
        self.release(slot)

    def _let_go(self, slot: int) -> None:
        copy = self.held.pop(slot, None)
        if copy is not None:
            self._give_back(copy)
            self._state.store.drop(slot)
            self.direct[slot] = 0

    def _give_back(self, copy: Copy) -> None:
        state = self._state
        waiting, copy.waiting, copy.is_frozen = copy.waiting, [], False
        for source, message in waiting:
            state.send(source, NotServed(message.counter, state.epoch))
        unreleased, copy.unreleased = copy.unreleased, []
        for each in unreleased:
            each.release(False)

    def _is_primary(self, slot: int) -> bool:
        table = self._state.table
        return table is not None and table.slots[slot].primary == self._state.me

    def _is_member(self, member: Member) -> bool:
        return self._state.table is not None and member in self._state.table


def take_entry(copy: Copy, entry: Entry, apply: Callable[[bytes], None]) -> None:
    """Take an entry if it is the next one."""
    if entry.sequence == copy.sequence + 1:
        apply(entry.effects)  # which may find that it is malformed
        copy.sequence = entry.sequence
        if entry.origin is not None:
            copy.remember(entry.origin, entry.reply, entry.sequence)
