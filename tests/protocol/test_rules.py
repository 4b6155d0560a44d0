"""The rules whose breach shows too seldom for chance to find it, each set up on purpose."""

from __future__ import annotations

from random import Random

from memcloud.protocol.ballots import Ballot, Record
from memcloud.protocol.core import Core
from memcloud.protocol.effects import Outcome, Reply, SaveRecord, Send
from memcloud.protocol.messages import (
    Accept,
    CopyAck,
    CopyChunk,
    CopyOffered,
    Decided,
    Entry,
    Forward,
    Heartbeat,
    HeartbeatAck,
    Message,
    MoveKind,
    Order,
    Outbid,
    Part,
    Prepare,
    Promise,
    Replicate,
    Replicated,
)
from memcloud.protocol.planning import membership_change
from memcloud.protocol.serving import READABLE
from memcloud.protocol.settings import SUSPECT_MS, Settings
from memcloud.protocol.table import Assignment, Change, Member, Table

from .rotation import rotating_targets
from .test_directed import cluster_of, process_of, write_all
from .test_table import A, B, C, table_of
from .toy_store import ToyStore

START_MS = 1000


class Lonely:
    """One node, and somebody who plays all the others."""

    def __init__(self, me: Member, table: Table, record: Record | None = None) -> None:
        self.now_ms = START_MS
        self.store = ToyStore()
        targets = rotating_targets(len(table.slots))
        settings = Settings(me.device, 1, len(table.slots), targets, replicas=2)
        self.record = record or Record(me.incarnation - 1)
        # The wall clock shows 0, so that the number of the run follows from the record.
        self.core = Core(settings, self.store, Random(1), self.record, START_MS, -START_MS)
        assert self.core.me == me
        if record is None:
            self.core._adopt(table)
        self._note()

    def tell(self, source: Member, message: Message) -> list[Message]:
        """Let the node hear something, and return what it says."""
        cluster = self.core.state.cluster
        self.core.on_message(self.now_ms, source, cluster, message)
        return self._note()

    def pass_time(self, duration_ms: int) -> list[Message]:
        """Let time pass."""
        said: list[Message] = []
        for _ in range(duration_ms // 50):
            self.now_ms += 50
            self.core.on_tick(self.now_ms)
            said += self._note()
        return said

    def _note(self) -> list[Message]:
        said: list[Message] = []
        for effect in self.core.take_effects():
            if isinstance(effect, Send):
                said.append(effect.message)
            elif isinstance(effect, SaveRecord):
                self.record = effect.record
        return said


def beat(epoch: int, sent_ms: int = 5) -> Heartbeat:
    """Return a heartbeat of somebody in good health."""
    return Heartbeat(epoch, sent_ms, False, False, False, 0, 0)


def test_who_has_promised_acknowledges_nothing() -> None:
    """Else a lease could begin of which the promise does not tell."""
    node = Lonely(C, table_of(A, B, C))
    assert HeartbeatAck(1, 5) in node.tell(A, beat(1))
    said = node.tell(B, Prepare(2, Ballot(1, B)))
    assert any(isinstance(each, Promise) for each in said)
    assert node.tell(A, beat(1, 6)) == []


def test_a_promise_outlives_the_process() -> None:
    """A device that forgot it could help two changes to be decided for one epoch."""
    table = table_of(A, B, C)
    node = Lonely(C, table)
    change = table.change({}, members=(A, C), weights=(1, 1))
    node.tell(A, Accept(2, Ballot(7, A), change))
    again = Lonely(Member("c", 2), table, node.record)
    assert again.tell(B, Prepare(2, Ballot(3, B))) == [Outbid(2, Ballot(7, A))]
    said = again.tell(B, Prepare(2, Ballot(8, B)))
    assert [each.accepted for each in said if isinstance(each, Promise)] == [(Ballot(7, A), change)]


def test_a_hold_stays_in_later_tables() -> None:
    """The new primary may learn of a later table first."""
    table = table_of(A, B, C)
    table = table.apply(table.change({0: Assignment(B, (), 2, 1500)}))
    node = Lonely(A, table)
    change = node.core.leading.change({"a": {}, "b": {}})
    assert table.apply(change).slots[0].hold_ms == 1500


def test_what_is_late_from_one_copy_does_not_count_for_the_next() -> None:
    """The target of the second attempt may not have what the first one's had."""
    node = Lonely(A, table_of(A, B, C, slots=1))
    node.tell(B, HeartbeatAck(1, START_MS))
    for number in (1, 2):
        node.tell(B, Order(1, MoveKind.COPY, C, (0,)))
        node.tell(C, CopyAck(1, number, 0))
        if number == 1:
            node.core.moves._give_up()
    node.core.on_request(node.now_ms, 0, b"SET k v", is_write=True)
    stream = node.core.serving.held[0].streams[C]
    node.tell(C, Replicated(1, 0, 1, 1))
    assert stream.acked == 0
    node.tell(C, Replicated(1, 0, 2, 1))
    assert stream.acked == 1


def test_a_learner_takes_nothing_of_an_attempt_that_is_over() -> None:
    """Else it would say that it has what it had."""
    node = Lonely(B, table_of(A, B, slots=1))
    for number in (1, 2):
        node.tell(A, CopyOffered(1, number, (0,), 0))
    late = CopyChunk(1, 1, 1, (Part(0, 5, True, True, b"value k old -1 0", ()),))
    assert node.tell(A, late) == []
    assert not node.store.staged
    assert node.tell(A, Replicate(1, 0, 1, Entry(6, b"gone k", None, b""))) == []


def test_a_backup_takes_entries_of_its_own_epoch_only() -> None:
    """One that was given up goes on for a while; its entries must come to nothing."""
    table = table_of(A, B, C, slots=1)
    table = table.apply(table.change({0: Assignment(A, (B,))}))
    node = Lonely(B, table)
    entry = Entry(1, b"value k v -1 0", None, b"")
    node.tell(A, Replicate(1, 0, 0, entry))
    node.tell(C, Replicate(2, 0, 0, entry))
    assert not node.store.slots.get(0)
    assert node.tell(A, Replicate(2, 0, 0, entry)) == [Replicated(2, 0, 0, 1)]
    assert node.store.slots[0]["k"].value == "v"


def test_who_was_given_up_drops_everything() -> None:
    """It comes back as somebody else, who has nothing."""
    world = cluster_of(3, 1)
    write_all(world)
    world.cut_off({"c"})
    world.run(SUSPECT_MS + 1500)
    process = process_of(world, "c")
    before = process.me
    assert process.store.slots
    world.heal()
    assert world.run_until(lambda: process.me != before, 2000)
    assert not process.store.slots
    assert not process.core.serving.held


def test_a_primary_waits_for_who_it_replaces() -> None:
    """And so does one that was told of it two tables later."""
    table = table_of(A, B, C, slots=1)
    node = Lonely(B, table)
    change: Change = table.change({0: Assignment(B, (), 2, 1000)}, (B, C), (1, 1))
    node.core._adopt(table.apply(change))
    node.tell(C, HeartbeatAck(2, node.now_ms))
    assert not node.core.serving.can_serve(0)
    node.pass_time(1050)
    assert node.core.serving.can_serve(0)


def test_a_write_is_not_sent_again_to_a_slot_that_was_emptied() -> None:
    """It may have run, and what remembered that is gone with the data."""
    table = table_of(B, A, C, slots=1)
    node = Lonely(A, table)
    number = node.core.on_request(node.now_ms, 0, b"INCR k", is_write=True)
    assert any(isinstance(each, Forward) for each in node._note())
    node.core._adopt(table.apply(table.change({0: Assignment(C, (), 2)}, (A, C), (1, 1))))
    assert Reply(number, Outcome.UNKNOWN, b"") in node.core.take_effects()


def test_no_time_ends_a_freeze() -> None:
    """The change may have been decided where this node cannot see it."""
    table = table_of(A, B, C, slots=1)
    table = table.apply(table.change({0: Assignment(A, (B,))}))
    node = Lonely(A, table)
    node.tell(B, HeartbeatAck(2, START_MS))
    said = node.tell(B, Order(2, MoveKind.MOVE, B, (0,)))
    assert any(isinstance(each, Prepare) for each in said)
    node.pass_time(6_000)
    assert node.core.serving.held[0].is_frozen


def test_nothing_runs_while_a_successor_is_being_decided() -> None:
    """What it changed might be in none of the new primary's copies."""
    table = table_of(A, B, C, slots=1)
    table = table.apply(table.change({0: Assignment(A, (B,))}))
    node = Lonely(A, table)
    node.tell(B, HeartbeatAck(2, START_MS))
    assert node.core.serving.can_serve(0)
    assert node.core.direct[0] == READABLE
    node.tell(B, Order(2, MoveKind.MOVE, B, (0,)))
    assert node.core.state.has_lease
    assert not node.core.serving.can_serve(0)
    assert not node.core.direct[0]


def test_a_heartbeat_that_comes_before_its_table_is_acknowledged_after_it() -> None:
    """Else whoever is the first to know a table has no lease until it sends the next ones."""
    table = table_of(A, B, C)
    node = Lonely(B, table)
    node.tell(A, Heartbeat(2, 70, False, False, False, 0, 0))
    said = node.tell(C, Decided(table.change({0: Assignment(C)})))
    assert HeartbeatAck(2, 70) in said


def test_who_has_just_promised_takes_over_before_others() -> None:
    """The first backup may have died together with the primary, and only not be missed yet."""
    table = table_of(A, B, C, slots=2)
    table = table.apply(table.change(dict.fromkeys(range(2), Assignment(A, (B, C)))))
    for present, heir in (("c", C), ("bc", B), ("", B)):
        change = membership_change(
            table, [A], [], rotating_targets(2), lambda member: 0, present=present
        )
        assert [run.assignment for run in change.runs] == [Assignment(heir)]
