"""Messages: what goes in comes out, and every field from outside is checked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    id=IDS,
    name=NAMES,
    bind=st.just("127.0.0.1"),
    port=PORTS,
    peer_bind=st.just("0.0.0.0"),
    peer_port=PORTS,
    memory_bytes=st.integers(1, 2**50),
    uptime_ms=NUMBERS,
    is_serving=st.booleans(),
    view_size=NUMBERS,
    view_first=IDS,
    departed=st.lists(IDS, max_size=3).map(tuple),
)
HEARTBEATS = st.builds(
    m.Heartbeat,
    sequence=NUMBERS,
    epoch=NUMBERS,
    digest=st.integers(0, 2**64 - 1),
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
        "version": 1, "cluster": "c", "id": "0" * 40, "name": "n", "bind": "b", "port": 1,
        "peer_bind": "b", "peer_port": 1, "memory_bytes": 1, "uptime_ms": 1, "is_serving": True,
        "view_size": 1, "view_first": "0" * 40, "departed": [], field: value,
    }  # fmt: skip
    with pytest.raises(LinkError):
        m.decode_identity(Frame(Kind.HELLO, list(fields.values())))
