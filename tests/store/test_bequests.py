"""What clusters that meet leave to each other."""

from __future__ import annotations

from memcloud.store import BLOCKS, BlockPointer, Retention

from .members import (
    LIMIT_BYTES,
    A,
    B,
    Member,
    Shown,
    copy,
)


def test_a_bequest_sets_what_is_absent() -> None:
    """What is there was written in the cluster that goes on."""
    heir, other, backup = Member(5, limit_bytes=LIMIT_BYTES), Member(), Member()
    heir.put(0, b"{a}1", b"heir's")
    other.put(0, b"{a}1", b"other's")
    other.put(0, b"{a}2", b"other's", 50, Retention.CACHE)
    other.put(BLOCKS, b"{a}1", BlockPointer("node"))
    heir.slots.follow(A)
    replies = []
    for chunk in other.slots.bequest(A, 0, other.now_ms):
        for command in heir.slots.inherit(A, chunk):
            for _ in range(2):
                reply, effects = heir.slots.run(A, command, heir.now_ms)
                assert (reply == b"1") == bool(effects)
                backup.slots.apply(A, effects, backup.now_ms)
                replies.append(reply)
    assert sorted(replies) == [b"0"] * 4 + [b"1"] * 2
    seen = other.seen() | {(0, b"{a}1"): Shown(b"heir's", None, Retention.BY_POLICY)}
    assert heir.seen() == seen
    backup.slots.bring_in(A)
    del seen[0, b"{a}1"]
    assert backup.seen() == seen


def test_a_bequest_does_not_outgrow_the_limit() -> None:
    """A key for which there is no room is not set."""
    heir, other = Member(limit_bytes=LIMIT_BYTES), Member()
    for number in range(2000):
        other.put(0, b"{a}%d" % number, bytes(100))
    replies = [
        heir.slots.run(A, command, heir.now_ms)[0]
        for chunk in other.slots.bequest(A, 0, other.now_ms)
        for command in heir.slots.inherit(A, chunk)
    ]
    assert set(replies) == {b"0", b"1"}
    assert replies.count(b"1") == len(heir.store.databases[0])
    assert heir.store.used_bytes <= LIMIT_BYTES + 1000


def test_what_may_be_older_than_its_cluster_is_not_bequeathed() -> None:
    """Nor is a copy of it; until the slot is dropped, or if it was empty."""
    first, second = Member(), Member()
    first.put(0, b"{a}1")
    first.slots.mark_inherited([A, B])
    copy(A, first, second)
    second.slots.adopt_staged(A)
    first.put(0, b"{b}1")
    for member in (first, second):
        assert member.slots.bequest(A, 0, member.now_ms) == []
        assert member.slots.snapshot(A, member.now_ms) != []
        member.slots.drop(A)
    assert first.slots.bequest(B, 0, first.now_ms) == first.slots.snapshot(B, first.now_ms) != []
    first.put(0, b"{a}1")
    assert first.slots.bequest(A, 0, first.now_ms) != []


def test_a_copy_that_was_given_up_leaves_no_mark() -> None:
    """The next one may be of another lineage."""
    first, second = Member(), Member()
    first.put(0, b"{a}1")
    copy(A, first, second)
    second.slots.unstage(A)
    first.slots.mark_inherited([A])
    copy(A, first, second)
    second.slots.unstage(A)
    second.put(0, b"{a}1")
    assert second.slots.bequest(A, 0, second.now_ms) != []
