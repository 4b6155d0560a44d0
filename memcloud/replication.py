"""Commands on slots of which other members have copies, or are getting them.

Such a command runs at once, and its reply waits until all copies have what it has changed or seen.
What it has changed goes out as the state of its keys after it (`Slots.effects_of`), so that the
copies need neither the command nor a clock. Keys that are evicted or expire here are told to them
in the same way, since a copy drops nothing of its own accord.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from memcloud.commands.table import Args, Command
from memcloud.link.frames import LinkError
from memcloud.protocol.messages import Origin
from memcloud.ring import key_slot

from .store import BLOCKS

if TYPE_CHECKING:
    from memcloud.cluster.calls import Sink

    from .node import Node

FLUSHES = ("flushall", "flushdb")


class Replication:
    """Runs commands whose replies have to wait for other members."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._later: list[tuple[int, bytes]] = []

    def run(
        self,
        command: Command,
        args: Args,
        database: int,
        serve: Callable[[], bytes],
        sink: Sink,
        origin: Origin | None = None,
    ) -> None:
        """Run a command, all slots of which can be served now; ``serve()`` runs it.

        One with an origin is not run if it has been before.

        Raises:
            LinkError: it has an origin, and keys of several slots or none.
        """
        by_slot = _by_slot(command, args)
        if origin is not None and self._was_run(by_slot, origin, sink):
            return
        clustering = self._node.clustering
        occupied = self._occupied() if command.is_write and command.keys is None else {}
        self.tell_removed()  # by the numbers that the databases have before a SWAPDB
        data = serve()
        self.tell_removed()
        # An error has changed nothing, but may tell what is on its way: a key of a wrong type.
        is_change = command.is_write and data[:1] != b"-"
        waiting = Waiting(data, sink)
        effects: bytes
        for slot, keys in (by_slot or occupied).items():
            effects = self._effects(command, args, database, slot, keys) if is_change else b""
            if not clustering.answer(slot, effects, waiting.release, origin, data):
                waiting.open += 1
        waiting.release(True)

    def _was_run(self, slots: Collection[int], origin: Origin, sink: Sink) -> bool:
        """Answer a command that has been run already; return whether this is one."""
        if len(slots) != 1:
            raise LinkError("call with a tag, and keys of several slots or none")
        clustering = self._node.clustering
        (slot,) = slots
        results = clustering.core.serving.held[slot].results
        known = results.find(origin.gateway, origin.counter)
        if known is None:
            # One that its gateway waits for no more may be late on its way; nobody reads a reply.
            is_late = results.is_settled(origin.gateway, origin.counter)
            if is_late:
                sink.lost(was_run=False)
            return is_late
        waiting = Waiting(known[0], sink)
        if not clustering.answer(slot, b"", waiting.release):
            waiting.open += 1
        waiting.release(True)
        return True

    def tell_removed(self) -> None:
        """Tell the copies which keys were evicted here, or have expired."""
        node = self._node
        if not node.store.removed and not self._later:
            return
        removed = [*self._later, *(node.store.removed or ())]
        core, self._later = node.clustering.core, []
        node.store.removed = None if node.store.removed is None else []
        for space, key in removed:
            slot = key_slot(key)
            copy = core.serving.held.get(slot)
            if copy is None or not copy.streams or space < BLOCKS:
                continue
            if copy.is_frozen:  # nobody sees the slot before it is known who goes on with it
                self._later.append((space, key))
                continue
            effects = node.clustering.slots.effects_of(space, [key])
            core.replicate(node.clock.now_ms(), slot, effects)

    def _occupied(self) -> dict[int, list[bytes]]:
        """Return the slots with keys here."""
        store = self._node.store
        return {slot: [] for database in store.databases for slot in database.occupied(0)}

    def _effects(
        self, command: Command, args: Args, database: int, slot: int, keys: list[bytes]
    ) -> bytes:
        slots = self._node.clustering.slots
        if command.name in FLUSHES:
            every = range(len(self._node.store.databases))
            return slots.flush_effects(every if command.name == "flushall" else [database])
        if command.name == "swapdb":
            return slots.swap_effects(int(args[1]), int(args[2]))
        if command.group == "block":
            return slots.effects_of(BLOCKS, keys)
        if command.name == "copy" and len(args) > 3:  # maybe to another database
            return slots.effects_of_all(keys)
        return slots.effects_of(database, keys)


class Waiting:
    """A reply that waits for the copies of some slots."""

    __slots__ = ("_data", "_is_lost", "_sink", "open")

    def __init__(self, data: bytes, sink: Sink) -> None:
        self._data = data
        self._sink = sink
        self._is_lost = False
        self.open = 1  # so that nothing is sent before all slots are counted

    def release(self, is_done: bool) -> None:
        """See `Unreleased`."""
        self._is_lost |= not is_done
        self.open -= 1
        if self.open:
            return
        if self._is_lost:
            self._sink.lost(was_run=True)
        else:
            self._sink.answered(self._data)


def _by_slot(command: Command, args: Args) -> Mapping[int, list[bytes]]:
    by_slot: dict[int, list[bytes]] = {}
    for position in command.key_positions(args):
        by_slot.setdefault(key_slot(args[position]), []).append(args[position])
    return by_slot
