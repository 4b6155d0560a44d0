"""Calls to peers: batched, bounded by a window, and each with exactly one outcome."""

from __future__ import annotations

from dataclasses import dataclass, field

from memcloud.cluster.calls import CALL_TIMEOUT_MS, ID_MAX, WINDOW_BYTES, Call, Calls, Outbox
from memcloud.link.batch import RECORDS_MAX, Record, decode_calls
from memcloud.link.frames import FrameParser


@dataclass
class Recorder:
    """A sink that remembers."""

    outcomes: list[object] = field(default_factory=list)

    def answered(self, reply: bytes) -> None:
        """Note a reply."""
        self.outcomes.append(reply)

    def lost(self, was_run: bool) -> None:
        """Note a loss."""
        self.outcomes.append(was_run)


def call(request: bytes = b"x", member: str = "m") -> Call:
    """Return a call nobody waits for."""
    return Call(member, 0, request, Recorder())


def records(frame: list[bytes] | None) -> list[Record]:
    """Return the calls in a frame."""
    assert frame is not None
    parser = FrameParser()
    parser.feed(b"".join(frame))
    parsed = parser.maybe_take()
    assert parsed is not None
    return decode_calls(parsed)


def test_calls_of_one_turn_leave_in_one_frame_in_their_order() -> None:
    """One write per peer and turn of the loop, however many clients wait for it."""
    calls = Calls()
    for number in range(100):
        calls.add(call(b"%d" % number), 0)
    assert [request for _, _, request in records(calls.take_frame("m"))] == [
        b"%d" % number for number in range(100)
    ]
    assert calls.take_frame("m") is None
    assert calls.dirty == []
    assert calls.in_flight == 100


def test_a_frame_holds_a_bounded_number_of_calls() -> None:
    """The rest goes into the next one."""
    calls = Calls()
    for _ in range(RECORDS_MAX + 1):
        calls.add(call(), 0)
    assert len(records(calls.take_frame("m"))) == RECORDS_MAX
    assert len(records(calls.take_frame("m"))) == 1


def test_the_window_bounds_what_is_on_the_way() -> None:
    """A peer that does not answer holds no more than that, and results make room."""
    calls = Calls()
    size_bytes = WINDOW_BYTES // 4
    for _ in range(6):
        calls.add(call(b"x" * size_bytes), 0)
    sent = [records(calls.take_frame("m")) for _ in range(4)]
    assert [len(each) for each in sent] == [1, 1, 1, 1]
    assert calls.take_frame("m") is None
    assert calls.take("m", sent[0][0][0]) is not None
    assert calls.dirty == ["m"]
    assert len(records(calls.take_frame("m"))) == 1


def test_a_call_larger_than_the_window_goes_alone() -> None:
    """It could never be sent otherwise."""
    calls = Calls()
    calls.add(call(), 0)
    calls.add(call(b"x" * (WINDOW_BYTES + 1)), 0)
    (first,) = records(calls.take_frame("m"))
    assert calls.take_frame("m") is None
    calls.take("m", first[0])
    assert len(records(calls.take_frame("m"))) == 1


def test_a_late_result_belongs_to_nobody() -> None:
    """Its call was given up; it must not be taken for another."""
    calls = Calls()
    calls.add(call(), 0)
    ((identifier, _, _),) = records(calls.take_frame("m"))
    assert [each.id for each in calls.take_overdue(CALL_TIMEOUT_MS)] == [identifier]
    assert calls.take("m", identifier) is None
    assert calls.take("stranger", 1) is None
    assert calls.in_flight == 0


def test_calls_are_not_overdue_a_millisecond_early() -> None:
    """At the deadline they are, sent or not."""
    calls = Calls()
    calls.add(call(), 0)
    calls.take_frame("m")
    calls.add(call(), 0)
    assert calls.take_overdue(CALL_TIMEOUT_MS - 1) == []
    assert len(calls.take_overdue(CALL_TIMEOUT_MS)) == 2


def test_all_calls_of_a_lost_member_are_handed_back() -> None:
    """Those that were sent may have been run; the others surely not."""
    calls = Calls()
    calls.add(call(b"sent"), 0)
    calls.take_frame("m")
    calls.add(call(b"queued"), 0)
    calls.add(call(b"other", member="o"), 0)
    lost = calls.take_all("m")
    assert [(each.request, each.was_sent) for each in lost] == [(b"sent", True), (b"queued", False)]
    assert calls.in_flight == 1


def test_the_ids_of_the_calls_on_their_way_are_all_different() -> None:
    """They begin again from 0 when they are used up, and leave those out that are still there."""
    box = Outbox(last_id=ID_MAX - 1, sent={0: call(), 1: call(), 3: call()})
    assert [box.next_id() for _ in range(3)] == [ID_MAX, 2, 4]
