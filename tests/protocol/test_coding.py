"""Messages survive being bytes, and bytes that are none are refused."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcloud.protocol.ballots import Ballot, Record
from memcloud.protocol.coding import (
    NUMBER_MAX,
    CodingError,
    decode,
    decode_record,
    encode,
    encode_record,
)
from memcloud.protocol.effects import Send
from memcloud.protocol.messages import (
    CopyChunk,
    Decided,
    Entry,
    Heartbeat,
    Message,
    MoveKind,
    Order,
    Origin,
    Part,
    Replicate,
    Replicated,
    TableInForce,
)
from memcloud.protocol.table import NO_CLUSTER, Assignment, Cluster, Member, Table

from . import world
from .scenarios import Setup, run
from .test_table import A, B, table_of


def test_everything_that_a_cluster_says_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    """All kinds of messages, with all that happens to be in them."""
    kinds: set[type] = set()
    send = world.World._send

    def checked(self: world.World, process: world.Process, effect: Send) -> None:
        data = b"".join(encode(effect.message))
        assert decode(data) == effect.message
        kinds.add(type(effect.message))
        send(self, process, effect)

    monkeypatch.setattr(world.World, "_send", checked)
    assert not run(3, Setup(duration_ms=25_000)).violations
    assert len(kinds) >= 18


def test_values_are_not_copied_into_the_meta_data() -> None:
    """A large value leaves as the object that it is."""
    value = bytes(100_000)
    entry = Entry(1, value, Origin(A, 2, 1), b"OK")
    pieces = encode(Replicate(3, 4, 0, entry))
    assert any(piece is value for piece in pieces)
    assert decode(b"".join(pieces)) == Replicate(3, 4, 0, entry)


@pytest.mark.parametrize(
    "message",
    [
        Replicate(3, 4, 0, Entry(1, b"effects", Origin(A, 2, 1), b"OK")),
        Replicate(NUMBER_MAX, 16_383, 5, Entry(1, b"", None, b"")),
        Replicated(NUMBER_MAX, 16_383, 5, NUMBER_MAX),
    ],
)
def test_a_short_message_has_one_length(message: Message) -> None:
    """A byte more or less, anywhere, is none."""
    data = b"".join(encode(message))
    assert decode(data) == message
    assert type(decode(data)) is type(message)
    for wrong in [*(data[:length] for length in range(1, len(data))), data + b"x"]:
        with pytest.raises(CodingError):
            decode(wrong)


def test_a_table_of_many_runs_survives() -> None:
    """All 16384 slots in turn with two members."""
    table = table_of(A, B, slots=16_384)
    changes = {slot: Assignment(B, (A,)) for slot in range(0, 16_384, 2)}
    change = table.change(changes)
    for message in (TableInForce(table.apply(change)), Decided(change)):
        data = b"".join(encode(message))
        assert len(data) < 200_000
        assert decode(data) == message


def _with_meta(message: Heartbeat | Order, meta: object, payload: bytes = b"") -> bytes:
    kind = encode(message)[0][:1]
    packed: bytes = msgpack.packb(meta)
    return kind + len(packed).to_bytes(4, "big") + packed + payload


BEAT = Heartbeat(1, 2, False, False, False, 3, 4, (B,))
ORDER = Order(1, MoveKind.MOVE, B, (1, 2))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\0\0\0\0",
        b"\0\0\0\0\xff",
        _with_meta(BEAT, [1, 2, False, False, False, 3, 4]),
        _with_meta(BEAT, [1, 2, False, False, False, 3, -4, []]),
        _with_meta(BEAT, [True, 2, False, False, False, 3, 4, []]),
        _with_meta(BEAT, [1, 2, 0, False, False, 3, 4, []]),
        _with_meta(BEAT, [1, 2, False, False, False, 3, 4, [1]]),
        _with_meta(BEAT, [1, 2, False, False, False, 3, 4, []], b"more"),
        _with_meta(BEAT, {"epoch": 1}),
        _with_meta(ORDER, [1, 9, ["b", 1], [1, 2]]),
        _with_meta(ORDER, [1, 2, ["b\n", 1], [1, 2]]),
        _with_meta(ORDER, [1, 2, ["b"], [1, 2]]),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    """Whatever is wrong, it is one kind of error."""
    with pytest.raises(CodingError):
        decode(data)


def test_damaged_messages_are_refused_or_read() -> None:
    """No other error comes out, whatever the bytes."""
    random = Random(7)
    chunk = CopyChunk(1, 2, 3, (Part(4, 5, True, True, b"data", ((A, 1, ((2, b"x"),)),)),))
    entry = Entry(1, b"effects", Origin(A, 2, 1), b"OK")
    messages: list[Message] = [BEAT, ORDER, chunk, TableInForce(table_of(A, B))]
    messages += [Replicate(3, 4, 0, entry), Replicated(3, 4, 0, 1)]
    for _ in range(3000):
        data = bytearray(b"".join(encode(random.choice(messages))))
        for _ in range(random.randrange(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        with suppress(CodingError):
            decode(bytes(data))


def test_names_have_limits() -> None:
    """A device's name is short and can be printed."""
    with pytest.raises(CodingError):
        decode(b"".join(encode(Order(1, MoveKind.COPY, Member("x" * 300, 1), ()))))


# What a device remembers

numbers = st.integers(0, NUMBER_MAX)
epochs = st.integers(0, NUMBER_MAX - 1)  # there is one more, in the change
names = st.sampled_from(
    ["a", "b", "c", "P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-XZWICQ2"]
)
members = st.builds(Member, names, numbers)
clusters = st.one_of(st.just(NO_CLUSTER), st.builds(Cluster, numbers, numbers))
ballots = st.builds(Ballot, numbers, members)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Tables with some runs, and some slots that differ from their neighbours."""
    named = draw(st.lists(members, min_size=1, max_size=5, unique=True))
    holders = st.lists(st.sampled_from(named), min_size=1, max_size=3, unique=True)
    assignments = st.builds(
        lambda held, lineage, hold_ms: Assignment(held[0], tuple(held[1:]), lineage, hold_ms),
        holders,
        numbers,
        numbers,
    )
    slots = draw(st.lists(assignments, max_size=12))
    weights = [draw(numbers) for _ in named]
    return Table(
        draw(clusters),
        draw(epochs),
        tuple(named),
        tuple(weights),
        tuple(slot for slot in slots for _ in range(draw(st.integers(1, 3)))),
        draw(clusters),
    )


@st.composite
def records(draw: st.DrawFn) -> Record:
    """Records of devices that are members, or not, with a decree that is open, or not."""
    table, after = draw(tables()), draw(tables())
    change = after.change(
        {slot: Assignment(after.members[0], (), 7) for slot in range(0, len(after.slots), 2)}
    )
    return Record(
        draw(numbers),
        draw(st.sampled_from([None, table])),
        draw(st.booleans()),
        draw(st.none() | ballots),
        draw(st.none() | st.tuples(ballots, st.just(change))),
    )


@given(records())
@settings(deadline=None)
def test_a_record_survives(record: Record) -> None:
    """A device that forgot what it has promised would break it."""
    assert decode_record(encode_record(record)) == record


@given(st.binary(max_size=64))
def test_what_is_no_record_is_refused(data: bytes) -> None:
    """Whatever the file holds, it is one kind of error."""
    with pytest.raises(CodingError):
        decode_record(data)


@given(records(), st.data())
@settings(deadline=None)
def test_a_damaged_record_is_refused_or_read(record: Record, chosen: st.DataObject) -> None:
    """No other error comes out, wherever a byte is wrong."""
    data = bytearray(encode_record(record))
    data[chosen.draw(st.integers(0, len(data) - 1))] = chosen.draw(st.integers(0, 255))
    with suppress(CodingError):
        assert isinstance(decode_record(bytes(data)), Record)


@given(records(), st.data())
@settings(deadline=None)
def test_half_a_record_is_refused(record: Record, chosen: st.DataObject) -> None:
    """So is one with something behind it."""
    data = encode_record(record)
    for wrong in (data[: chosen.draw(st.integers(0, len(data) - 1))], data + b"!"):
        with pytest.raises(CodingError):
            decode_record(wrong)
