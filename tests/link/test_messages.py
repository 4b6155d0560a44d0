"""Messages: what goes in comes out, and every field from outside is checked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.link import frames
from memcloud.link import messages as m
from memcloud.link.frames import Frame, FrameParser, Kind, LinkError

NUMBERS = st.integers(0, 2**63)
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=64)
IDS = st.text("0123456789abcdef", min_size=40, max_size=40)
PORTS = st.integers(1, 65535)
IDENTITIES = st.builds(
    m.Identity,
    version=NUMBERS,
    cluster=NAMES,
    device=NAMES,
    incarnation=NUMBERS,
    id=IDS,
    name=NAMES,
    bind=st.just("127.0.0.1"),
    port=PORTS,
    peer_bind=st.just("0.0.0.0"),
    peer_port=PORTS,
    memory_bytes=st.integers(1, 2**50),
    uptime_ms=NUMBERS,
    is_serving=st.booleans(),
)
HEARTBEATS = st.builds(
    m.Heartbeat,
    sequence=NUMBERS,
    used_bytes=NUMBERS,
    keys=NUMBERS,
    addresses=st.lists(st.tuples(st.just("10.0.0.1"), PORTS), max_size=5).map(tuple),
)


def frame_of(data: bytes) -> Frame:
    """Return the frame in some bytes."""
    parser = FrameParser()
    parser.feed(data)
    frame = parser.maybe_take()
    assert frame is not None
    return frame


@given(IDENTITIES)
def test_an_identity_comes_out_as_it_went_in(identity: m.Identity) -> None:
    """HELLO and WELCOME."""
    assert m.decode_identity(frame_of(m.encode_identity(Kind.HELLO, identity))) == identity


@given(HEARTBEATS)
def test_a_heartbeat_comes_out_as_it_went_in(beat: m.Heartbeat) -> None:
    """PING and PONG."""
    assert m.decode_heartbeat(frame_of(m.encode_heartbeat(Kind.PING, beat))) == beat


def test_a_refusal_comes_out_as_it_went_in() -> None:
    """REFUSE."""
    refused = m.Refused(m.Refusal.OTHER_CLUSTER, "a is in cluster 'x', not 'y'")
    assert m.decode_refused(frame_of(m.encode_refused(refused))) == refused


MESSAGES = st.lists(st.binary(max_size=50) | st.just(bytes(m.LARGE_BYTES)), max_size=5)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), MESSAGES)
def test_messages_come_out_as_they_went_in(
    founded_ms: int, number: int, messages: list[bytes]
) -> None:
    """Behind the name of their cluster, each of them by itself."""
    data = b"".join(m.encode_messages(founded_ms, number, messages))
    frame = frame_of(data)
    assert frame.kind is Kind.MESSAGE
    assert m.decode_messages(frame) == (founded_ms, number, messages)


@pytest.mark.parametrize("rest", [b"\0", b"\0\0\0", b"\0\0\0\2x", b"\0\0\0\1xyz"])
def test_messages_that_do_not_fill_their_frame_are_refused(rest: bytes) -> None:
    """Who made it has counted wrong, and nothing of it can be believed."""
    payload = bytes(16) + b"\0\0\0\3abc" + rest
    with pytest.raises(LinkError, match=r"without a length|behind its frame"):
        m.decode_messages(Frame(Kind.MESSAGE, None, payload))


@given(st.binary(max_size=15))
def test_a_message_of_no_cluster_is_refused(payload: bytes) -> None:
    """It ends before its name does."""
    with pytest.raises(LinkError, match="no cluster"):
        m.decode_messages(Frame(Kind.MESSAGE, None, payload))


def test_too_large_a_message_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side would close the link for it."""
    monkeypatch.setattr(frames, "FRAME_BYTES_MAX", 100)
    assert m.encode_messages(1, 2, [b"x" * 35, b"y" * 35])
    with pytest.raises(ValueError, match="over the limit"):
        m.encode_messages(1, 2, [b"x" * 35, b"y" * 36])


METAS = st.recursive(
    st.integers() | st.text() | st.none() | st.binary(),
    lambda inner: st.lists(inner, max_size=15),
    max_leaves=30,
)


@pytest.mark.parametrize(
    "decode",
    [m.decode_identity, m.decode_heartbeat, m.decode_refused],
)
@given(meta=METAS)
def test_any_meta_data_gives_a_message_or_a_link_error(decode: Any, meta: object) -> None:
    """No field is believed before it is checked."""
    try:
        decode(Frame(Kind.HELLO, meta))
    except LinkError:
        return


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("device", ""),
        ("device", "x" * 256),
        ("incarnation", -1),
        ("id", "short"),
        ("name", ""),
        ("name", "two\r\nlines"),
        ("name", "x" * 65),
        ("port", 0),
        ("port", 65536),
        ("memory_bytes", 0),
        ("memory_bytes", -1),
        ("is_serving", 1),
    ],
)
def test_an_identity_that_cannot_be_is_refused(field: str, value: object) -> None:
    """A name with a line end would break every reply and log line that shows it."""
    fields: dict[str, object] = {
        "version": 1, "cluster": "c", "device": "d", "incarnation": 1, "id": "0" * 40, "name": "n",
        "bind": "b", "port": 1, "peer_bind": "b", "peer_port": 1, "memory_bytes": 1,
        "uptime_ms": 1, "is_serving": True,
    }  # fmt: skip
    assert m.decode_identity(Frame(Kind.HELLO, list(fields.values())))
    fields[field] = value
    with pytest.raises(LinkError):
        m.decode_identity(Frame(Kind.HELLO, list(fields.values())))
