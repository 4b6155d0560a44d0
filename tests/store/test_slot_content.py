"""What members tell each other about the keys of a slot."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memcloud.slot_content import CHUNK_BYTES, ENTRY_OVERHEAD_BYTES, ContentError
from memcloud.store import BLOCKS

from .members import (
    DATABASES,
    A,
    Member,
)


def test_chunks_are_of_a_size_and_a_large_value_is_alone() -> None:
    """So that a chunk takes no link for long, unless there is no other way."""
    member = Member()
    for number in range(600):
        member.put(0, b"{a}%d" % number, bytes(number * 4))
    large = bytes(CHUNK_BYTES + 1)
    member.put(1, b"{a}", large)
    entries = []
    for chunk in member.slots.snapshot(A, member.now_ms):
        _, part = msgpack.unpackb(chunk)
        assert len(chunk) <= CHUNK_BYTES + ENTRY_OVERHEAD_BYTES or len(part) == 1
        entries.append(len(part))
    assert sum(entries) == 601
    assert len(entries) <= 6


words = st.sampled_from(["flush", "swap", "x", b"k", 0, 1, -1, 9, (1 << 64) - 1, None, True])
shapes = st.recursive(words, lambda inner: st.lists(inner, max_size=6), max_leaves=12)


@given(st.binary(max_size=40) | shapes.map(msgpack.packb))
@example(msgpack.packb([[0, b"k", b"v", (1 << 64) - 1, 0]]))
@example(msgpack.packb([[0, b"k", b"v", -(1 << 63), 0]]))
@example(msgpack.packb([[DATABASES, b"k", b"v", None, 0]]))
@example(msgpack.packb([["swap", 0, BLOCKS]]))
def test_any_bytes_are_content_or_an_error(data: bytes) -> None:
    """And an error changes nothing."""
    member = Member()
    for do in (
        lambda: member.slots.apply(A, data, member.now_ms),
        lambda: member.slots.stage(A, data, member.now_ms),
        lambda: member.slots.run(A, data, member.now_ms),
        lambda: member.slots.inherit(A, data),
    ):
        before = member.slots.used_bytes
        try:
            do()
        except ContentError:
            assert member.slots.used_bytes == before
        member.check()


@pytest.mark.parametrize("effects", [[["flush", 0, 9]], [[0, b"{a}2", b"", None, 0], []]])
def test_effects_are_carried_out_as_a_whole_or_not_at_all(effects: list[object]) -> None:
    """A half of them would be a state that the primary was never in."""
    member = Member()
    member.put(0, b"{a}1")
    member.slots.follow(A)
    before = member.content(member.aside)
    with pytest.raises(ContentError):
        member.slots.apply(A, msgpack.packb(effects), member.now_ms)
    assert member.content(member.aside) == before
