"""Messages survive being bytes, and bytes that are none are refused."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import msgpack
import pytest

from memcloud.protocol.coding import CodingError, decode, encode
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
    Replicate,
    TableInForce,
)
from memcloud.protocol.table import Assignment, Member

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


BEAT = Heartbeat(1, 2, False, False, False, 3, 4)
ORDER = Order(1, MoveKind.MOVE, B, (1, 2))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\0\0\0\0",
        b"\0\0\0\0\xff",
        _with_meta(BEAT, [1, 2, False, False, False, 3]),
        _with_meta(BEAT, [1, 2, False, False, False, 3, -4]),
        _with_meta(BEAT, [True, 2, False, False, False, 3, 4]),
        _with_meta(BEAT, [1, 2, 0, False, False, 3, 4]),
        _with_meta(BEAT, [1, 2, False, False, False, 3, 4], b"more"),
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
    chunk = CopyChunk(1, 2, 3, 4, 5, True, True, b"data", ((A, 1, ((2, b"x"),)),))
    messages: list[Message] = [BEAT, ORDER, chunk, TableInForce(table_of(A, B))]
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
