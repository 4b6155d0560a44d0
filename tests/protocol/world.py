"""Whole clusters in one process: a fake network, a clock for each device, one seed.

The network is worse than that of the real links: a message may be lost, come twice, late, or before
one that was sent earlier. A device has a clock that runs up to 1 percent fast or slow, a disk that
keeps the acceptor record, and at most one process.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import Any

from memcloud.protocol.ballots import Record
from memcloud.protocol.core import Core
from memcloud.protocol.effects import Effect, Left, Renewed, Reply, SaveRecord, Send, TableChanged
from memcloud.protocol.messages import Message
from memcloud.protocol.settings import Isolation, Settings, Targets
from memcloud.protocol.table import NO_CLUSTER, Assignment, Cluster, Member, Table
from tests.histories import Kind, Operation, Outcome
from tests.histories.operations import FOREVER

from .rotation import rotating_targets
from .toy_store import ToyStore

TICK_MS = 50
MS_PER_YEAR = 31_536_000_000


@dataclass
class Weather:
    """What the network does to messages."""

    loss: float = 0.0
    duplicates: float = 0.0
    late: float = 0.0  # share of messages that take up to 0.4 s


@dataclass
class Process:
    """One run of a node."""

    device: Device
    core: Core
    store: CheckedStore
    me: Member
    is_paused: bool = False
    paused_ms: float = 0.0
    missed: list[Callable[[], None]] = field(default_factory=list)
    replies: dict[int, Callable[[Reply], None]] = field(default_factory=dict)
    has_left: bool = False


@dataclass
class Device:
    """A machine."""

    name: str
    rate: float
    offset_ms: int
    record: Record | None = None
    process: Process | None = None
    slept_ms: float = 0.0  # for clocks that do not count it; nobody is to use one

    def clock_ms(self, now_ms: float) -> int:
        """Return what its clock shows."""
        return self.offset_ms + int(now_ms * self.rate)


class CheckedStore(ToyStore):
    """Tells the world of every command that runs."""

    def __init__(
        self, on_run: Callable[[int], None], on_inherit: Callable[[list[bytes]], None]
    ) -> None:
        super().__init__()
        self._on_run = on_run
        self._on_inherit = on_inherit

    def inherit(self, slot: int, chunk: bytes) -> list[bytes]:
        """See `SlotStore`."""
        commands = super().inherit(slot, chunk)
        self._on_inherit(commands)
        return commands

    def run(self, slot: int, command: bytes, now_ms: int) -> tuple[bytes, bytes]:
        """See `SlotStore`."""
        self._on_run(slot)
        return super().run(slot, command, now_ms)


CoreMaker = Callable[[Settings, CheckedStore, Random, Record | None, int, int], Core]


class World:
    """Devices, the network between them, and time."""

    def __init__(
        self,
        seed: int,
        *,
        devices: int = 4,
        replicas: int = 1,
        slots: int = 8,
        isolation: Isolation = Isolation.AUTO,
        weather: Weather | None = None,
        make_core: CoreMaker = Core,
        targets: Targets | None = None,
    ) -> None:
        self.random = Random(seed)
        self.replicas = replicas
        self.slot_count = slots
        self.targets = targets or rotating_targets(slots)
        self.chunk_bytes = 1 if seed // 10 % 2 else 100  # a part in each, or some
        self.isolation = isolation
        self.weather = weather or Weather()
        self.make_core = make_core
        self.now_ms = 0.0
        self.events = 0
        self.started: list[Process] = []
        self.cuts: set[tuple[str, str]] = set()
        self.violations: list[str] = []
        self.seen: Counter[str] = Counter()
        self.tables: dict[tuple[Cluster, int], Table] = {}
        self.wipes: list[tuple[Cluster, int, float, float]] = []
        self._lineages: dict[Cluster, dict[int, int]] = {}
        self.bequests: list[tuple[Cluster, Operation]] = []
        self.ambush: tuple[type[Any], Callable[[Member, Send], None]] | None = None
        self.committed: dict[tuple[Cluster, int, int], int] = {}
        self._queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._sequence = 0
        self._trace = hashlib.blake2b(digest_size=16)
        self.devices = {name: self._device(name) for name in "abcdefgh"[:devices]}

    def _device(self, name: str) -> Device:
        rate = 1 + self.random.uniform(-0.01, 0.01)
        return Device(name, rate, self.random.randrange(1, MS_PER_YEAR))

    # Time

    def after(self, delay_ms: float, action: Callable[..., None], *args: object) -> None:
        """Do something later."""
        self._sequence += 1
        heappush(self._queue, (self.now_ms + delay_ms, self._sequence, action, args))

    def run(self, duration_ms: float) -> None:
        """Let time pass; it stops at a violation."""
        end_ms = self.now_ms + duration_ms
        queue = self._queue
        while queue and queue[0][0] <= end_ms and not self.violations:
            self.now_ms, _, action, args = heappop(queue)
            self.events += 1
            action(*args)
        self.now_ms = max(self.now_ms, end_ms)

    def run_until(self, condition: Callable[[], bool], timeout_ms: float) -> bool:
        """Let time pass until something holds; return whether it came to that."""
        end_ms = self.now_ms + timeout_ms
        while not condition():
            if self.now_ms >= end_ms or self.violations:
                return False
            self.run(50)
        return True

    @property
    def trace(self) -> str:
        """A digest of everything that was sent, in order."""
        return self._trace.hexdigest()

    # Processes

    def start(self, name: str) -> Process:
        """Start a process on a device that has none."""
        device = self.devices[name]
        assert device.process is None
        settings = Settings(
            name,
            1 << 30,
            self.slot_count,
            self.targets,
            self.replicas,
            self.isolation,
            chunk_bytes=self.chunk_bytes,
        )
        store = CheckedStore(
            lambda slot: self._check_run(process, slot),
            lambda commands: self._note_bequest(process, commands),
        )
        clock_ms = device.clock_ms(self.now_ms)
        seeded = Random(self.random.getrandbits(64))
        wall_offset_ms = MS_PER_YEAR + int(self.now_ms) - clock_ms
        core = self.make_core(settings, store, seeded, device.record, clock_ms, wall_offset_ms)
        process = Process(device, core, store, core.me)
        device.process = process
        self.started.append(process)
        for other in self.devices:
            if other != name:
                core.peer_found(other)
        self._carry_out(process)
        self.after(self.random.uniform(0, TICK_MS), self._tick, process)
        return process

    def start_all(self) -> None:
        """Start all devices and wait for one cluster of all."""
        for name in self.devices:
            self.start(name)
        assert self.run_until(self.is_settled, 30_000), self.describe()

    def count_rare(self) -> None:
        """Add up what the processes count themselves."""
        for process in self.started:
            core = process.core
            self.seen["a move was given up"] += core.moves.aborted
            self.seen["a decree was finished by another"] += core.deciding.finished_for_others
            self.seen["a result was remembered"] += core.serving.remembered
            self.seen["a late command was refused"] += core.serving.refused_late

    def crash(self, name: str) -> None:
        """Kill a process; its memory is gone, the disk stays."""
        device = self.devices[name]
        assert device.process is not None
        process, device.process = device.process, None
        self.after(1, self._refused, process.me)

    def pause(self, name: str) -> None:
        """Stop a process, or put the machine to sleep; its clock goes on."""
        process = self.devices[name].process
        assert process is not None
        process.is_paused = True
        process.paused_ms = self.now_ms

    def resume(self, name: str) -> None:
        """Let a process go on; it finds everything that came meanwhile."""
        process = self.devices[name].process
        if process is None or not process.is_paused:
            return
        process.is_paused = False
        process.device.slept_ms += self.now_ms - process.paused_ms
        missed, process.missed = process.missed, []
        for event in missed:
            event()

    def cut(self, one: str, other: str, *, one_way: bool = False) -> None:
        """Let nothing through between two devices."""
        self.cuts.add((one, other))
        if not one_way:
            self.cuts.add((other, one))

    def cut_off(self, side: set[str], *, one_way: bool = False) -> None:
        """Cut a group of devices off from the others."""
        for one in sorted(side):
            for other in self.devices:
                if other not in side:
                    self.cut(one, other, one_way=one_way)

    def heal(self) -> None:
        """Let everything through again."""
        self.cuts.clear()

    @property
    def running(self) -> list[Process]:
        """The processes that run, by the names of their devices."""
        processes = (device.process for device in self.devices.values())
        return [each for each in processes if each is not None and not each.is_paused]

    def event(self, process: Process, action: Callable[..., object], *args: object) -> None:
        """Let something happen to a process, now or when it goes on."""
        if process.device.process is not process:
            return
        if process.is_paused:
            process.missed.append(lambda: self.event(process, action, *args))
            return
        action(process.device.clock_ms(self.now_ms), *args)
        self._carry_out(process)

    def request(
        self, process: Process, slot: int, command: bytes, answer: Callable[[Reply], None]
    ) -> None:
        """Let a client of a process ask for something."""
        is_write = not command.startswith(b"GET")

        def ask(now_ms: int) -> None:
            number = process.core.on_request(now_ms, slot, command, is_write=is_write)
            process.replies[number] = answer

        self.event(process, ask)

    def _tick(self, process: Process) -> None:
        if process.device.process is process and not process.has_left:
            if not process.is_paused:
                self.event(process, process.core.on_tick)
            self.after(TICK_MS / process.device.rate, self._tick, process)

    def _carry_out(self, process: Process) -> None:
        replies: list[Reply] = []
        for effect in process.core.take_effects():
            if process.device.process is not process:
                return  # it was killed while it sent
            match effect:
                case Send():
                    self._send(process, effect)
                case SaveRecord(record):
                    process.device.record = record
                case Reply():
                    replies.append(effect)
                case TableChanged(old, new):
                    self._table_changed(process, old, new)
                case Renewed(member, why):
                    process.me = member
                    self.seen[f"renewed: {why}"] += 1
                case Left():
                    process.has_left = True
                    process.device.process = None
        for reply in replies:
            process.replies.pop(reply.request)(reply)

    # Network

    def _send(self, process: Process, effect: Send) -> None:
        source, target = process.me, effect.device
        if target not in self.devices:
            return
        random, weather = self.random, self.weather
        self._trace.update(f"{self.now_ms:.3f}{source}{effect}".encode())
        if self.ambush is not None and isinstance(effect.message, self.ambush[0]):
            deed, self.ambush = self.ambush[1], None
            deed(source, effect)
        if (source.device, target) in self.cuts or random.random() < weather.loss:
            return
        delay_ms = random.uniform(0.2, 2.2)
        if random.random() < weather.late:
            delay_ms += random.uniform(0, 400)
        self.after(delay_ms, self._deliver, source, effect)
        if random.random() < weather.duplicates:
            self.after(delay_ms + random.uniform(0, 500), self._deliver, source, effect)

    def deliver_later(self, delay_ms: float, source: Member, effect: Send) -> None:
        """Let a message come once more, whatever has happened by then."""
        self.after(delay_ms, self._deliver, source, effect)

    def _deliver(self, source: Member, effect: Send) -> None:
        process = self.devices[effect.device].process
        if process is None or effect.incarnation not in (None, process.me.incarnation):
            return
        message: Message = effect.message
        self.event(process, process.core.on_message, source, effect.cluster, message)

    def _refused(self, member: Member) -> None:
        """Those who can reach the machine, and try to, see that the process is gone."""
        if self.devices[member.device].process is not None:
            return
        for process in self.running:
            pair = (process.device.name, member.device)
            if pair not in self.cuts and pair[::-1] not in self.cuts:
                self.event(process, process.core.process_gone, member)
        self.after(500, self._refused, member)

    # What must hold at all times

    def _check_run(self, process: Process, slot: int) -> None:
        core = process.core
        table = core.table
        assert table is not None
        for other in self.running:
            if other is not process and self._may_serve(other, table.cluster, slot):
                pair = f"{process.me} and {other.me}"
                self.violations.append(f"{self.now_ms:.0f}: {pair} both serve slot {slot}")
        copy = core.serving.held[slot]
        key = (table.cluster, slot, copy.lineage)
        if copy.sequence < self.committed.get(key, 0):
            self.violations.append(f"{self.now_ms:.0f}: slot {slot} went back at {process.me}")
        self.committed[key] = max(self.committed.get(key, 0), copy.committed)

    def _may_serve(self, process: Process, cluster: Cluster, slot: int) -> bool:
        core = process.core
        now_ms = process.device.clock_ms(self.now_ms)
        core.state.now_ms = now_ms
        return core.state.cluster == cluster and core.serving.can_serve(slot)

    def _table_changed(self, process: Process, old: Table | None, new: Table) -> None:
        self._note_wipes(process, new)
        key = (new.cluster, new.epoch)
        known = self.tables.get(key)
        if known is not None:
            if known != new:
                self.violations.append(f"{self.now_ms:.0f}: two tables of {key}")
            return
        self.tables[key] = new
        before = self.tables.get((new.cluster, new.epoch - 1))
        if before is None:
            return
        for slot in before.differing_slots(new):
            then, now = before.slots[slot], new.slots[slot]
            if now.lineage == then.lineage and now.primary != then.primary:
                survives = then.primary in new.members
                self.seen["a slot was moved" if survives else "a backup took over"] += 1

    def _note_wipes(self, process: Process, table: Table) -> None:
        """Note which slots start empty at a process: from then to when it may serve them."""
        line = NO_CLUSTER if self.isolation is Isolation.REFUSE else table.cluster
        lineages = self._lineages.setdefault(line, {})
        if not lineages:
            lineages.update({slot: at.lineage for slot, at in enumerate(table.slots)})
        if not any(cluster == table.cluster for cluster, _ in self.tables):
            self.seen["a cluster was founded"] += 1
        for slot, assignment in enumerate(table.slots):
            if assignment.primary == process.me and assignment.lineage > lineages[slot]:
                lineages[slot] = assignment.lineage
                self.seen["a slot was emptied"] += 1
                until_ms = self.now_ms + assignment.hold_ms * 1.04 + 1
                self.wipes.append((line, slot, self.now_ms, until_ms))

    def _note_bequest(self, process: Process, commands: list[bytes]) -> None:
        """A value of a cluster that dissolves may from now on be seen in another one."""
        self.seen["a key was bequeathed"] += len(commands)
        for command in commands:
            _, key, value = command.split(b" ")
            offered = Operation(key, Kind.SET, value, self.now_ms, FOREVER, Outcome.UNKNOWN)
            self.bequests.append((process.core.state.cluster, offered))

    # What must come to hold

    def is_settled(self) -> bool:
        """Return whether all that run are one cluster whose slots are where they belong."""
        processes = self.running
        tables = [process.core.table for process in processes]
        first = tables[0] if tables else None
        if first is None or any(table is not first and table != first for table in tables):
            return False
        members = {process.me for process in processes}
        return (
            set(first.members) == members
            and all(process.core.state.has_lease for process in processes)
            and all(process.core.deciding.is_idle for process in processes)
            and first.slots
            == tuple(
                self.wanted(first, slot, assignment.lineage, assignment.hold_ms)
                for slot, assignment in enumerate(first.slots)
            )
        )

    def wanted(self, table: Table, slot: int, lineage: int, hold_ms: int) -> Assignment:
        """Return the assignment that the target asks for."""
        weights = tuple((member, 1) for member in table.members)
        holders = self.targets(weights, self.replicas)[slot]
        backups = set(table.slots[slot].backups)
        if backups == set(holders[1:]):
            return Assignment(holders[0], table.slots[slot].backups, lineage, hold_ms)
        return Assignment(holders[0], holders[1:], lineage, hold_ms)

    def check_quiet(self) -> None:
        """Check what holds when nothing is on its way: copies are equal, nothing is left over."""
        table = self.running[0].core.table
        assert table is not None
        for slot, assignment in enumerate(table.slots):
            contents = []
            for process in self.running:
                if process.me in assignment.holders:
                    items = process.store.slots.get(slot, {})
                    contents.append({key: item.value for key, item in items.items()})
                elif process.store.slots.get(slot):
                    self.violations.append(f"{process.me} still has keys of slot {slot}")
            if any(content != contents[0] for content in contents):
                self.violations.append(f"the copies of slot {slot} differ: {contents}")
        for process in self.running:
            if process.store.staged:
                self.violations.append(f"{process.me} has staged copies left over")

    def describe(self) -> str:
        """Return what the nodes think, for people."""
        lines = [f"at {self.now_ms:.0f} ms"]
        for name, device in self.devices.items():
            process = device.process
            if process is None:
                lines.append(f"{name}: down")
                continue
            core = process.core
            table = core.table
            lines.append(
                f"{name}: {process.me.incarnation} paused={process.is_paused}"
                f" member={core.state.is_member} lease={core.state.has_lease}"
                f" promised={core.deciding.acceptor.has_promised}"
                f" proposal={core.deciding.proposal} attempt={core.moves.attempt}"
            )
            if table is not None:
                members = [f"{each.device}{each.incarnation}" for each in table.members]
                lines.append(f"   {table.cluster} epoch {table.epoch} {members}")
                for first, last, at in table.runs():
                    names = " ".join(each.device for each in at.holders)
                    lines.append(f"     {first}-{last}: {names} lineage {at.lineage}")
        return "\n".join(lines)


__all__ = ["Effect", "Process", "Weather", "World"]
