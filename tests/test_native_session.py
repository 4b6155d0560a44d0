"""The native session is held to the readable one: the same bytes for any stream, however it is cut.

Two nodes are sent the same at the same times; the one has a native session and store, the other
neither. Replies, keys, deadlines and what is counted must be equal. The streams are those of the
fuzzer, and those on which it has found a difference once.
"""

from __future__ import annotations

from importlib import import_module
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcloud.link.batch import DONE, NOT_OWNER, encode_batch
from memcloud.link.frames import Kind
from memcloud.resp import ErrorReply

from .commands.support import LocalNode
from .fuzz.requests import HOT, KEYS, draw_arrivals
from .resp.support import command
from .two_members import NativeMember, PeerArrival, TwoMembers
from .two_nodes import Arrival, TwoNodes, readable_parts

LARGE: Final = b"v" * 100_000


def encoded(*lines: bytes) -> bytes:
    """Return the commands that lines of words stand for."""
    return b"".join(command(*line.split(b" ")) for line in lines)


NODES = TwoNodes()
MEMBERS = TwoMembers()


@settings(deadline=None, max_examples=300)
@given(st.randoms(use_true_random=False))
def test_both_sessions_answer_any_stream_alike(random: Random) -> None:
    """Commands of all kinds, cut anywhere, with time going by in between."""
    NODES.compare(draw_arrivals(random), KEYS)


def test_the_streams_are_of_all_hot_commands() -> None:
    """One that a native session learns to run is to be in them too, if its reply is no chance."""
    native = import_module("memcloud._session_c")
    assert {name.partition("|")[0] for name in native.HOT_COMMANDS} - {"randomkey"} == HOT


@pytest.mark.parametrize("count", ["1", "7", "1000", "0", "-1", "x", "9223372036854775807"])
def test_both_sessions_find_the_same_keys_in_steps(count: str) -> None:
    """In an order of their own: SCAN promises none."""
    native = LocalNode()
    with readable_parts():
        plain = LocalNode()
    for node in (native, plain):
        for number in range(300):
            node.run("SET", f"key:{number % 100}" if number < 200 else f"{{t}}{number}", "v")
    assert scanned(native, count) == scanned(plain, count)
    for cursor in ["-1", "x", "", "99999999999999999999"]:
        assert native.run("SCAN", cursor) == plain.run("SCAN", cursor)


def scanned(node: LocalNode, count: str) -> object:
    """Return all keys that SCAN shows, or its error."""
    cursor, found = b"0", []
    while True:
        reply = node.run("SCAN", cursor, "COUNT", count)
        if isinstance(reply, ErrorReply):
            return reply
        cursor, keys = reply
        found += keys
        if cursor == b"0":
            return sorted(found)


def test_a_large_value_that_grows_is_another_one() -> None:
    """What was read before, and may be on its way to a client, does not change."""
    node = LocalNode()
    for kept in (True, False):
        node.run("SET", "log", b"a" * 100_000)
        before = node.node.store.databases[0].get(b"log") if kept else None
        assert [node.run("APPEND", "log", b"b" * 10) for _ in range(3)] == [
            100_010,
            100_020,
            100_030,
        ]
        assert node.run("GET", "log") == b"a" * 100_000 + b"b" * 30
        assert before in (None, b"a" * 100_000)
    node.run("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
    node.run("SET", "log", b"a" * 1_000_000)
    assert node.run("APPEND", "log", b"b" * 48_576) == 1 << 20
    assert isinstance(node.run("APPEND", "log", b"b"), ErrorReply)
    assert node.run("STRLEN", "log") == 1 << 20
    used_bytes = node.node.store.used_bytes
    node.run("DEL", "log")
    assert node.node.store.used_bytes == 0 < used_bytes


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_stream_in_pieces_of_one_size_is_answered_alike(size: int) -> None:
    """Each boundary comes to lie within something."""
    stream = 3 * encoded(
        b"SET a 1", b"INCR a", b"MSET b 2 c 3", b"GET a", b"SET d %s EX 10" % (b"x" * 200),
        b"TTL d", b"NO", b"MGET a d", b"DEL a b", b"PING", b"GET a", b"STRLEN d",
    )  # fmt: skip
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    NODES.compare([Arrival(piece) for piece in pieces], [b"a", b"b", b"c", b"d"])


def test_a_client_whose_large_value_is_on_its_way_is_not_idle() -> None:
    """It would be cut off in the middle of it."""
    request = encoded(b"SET c " + LARGE)
    pieces = [request[at : at + 20_000] for at in range(0, len(request), 20_000)]
    arrivals = [Arrival(encoded(b"CONFIG SET timeout 1"))]
    arrivals += [Arrival(piece, pause_ms=600) for piece in pieces]
    NODES.compare([*arrivals, Arrival(encoded(b"STRLEN c"))], KEYS)


@pytest.mark.parametrize(
    "arrivals",
    [
        pytest.param(
            [Arrival(encoded(b"SET b 1", b"QUIT")), Arrival(LARGE)],
            id="what comes behind QUIT is not kept",
        ),
        pytest.param(
            [Arrival(encoded(b"GET b", b"CLIENT GETNAME", *[b"GET c"] * 7))],
            id="a session takes no more than fits",
        ),
        pytest.param(
            [Arrival(encoded(b"SET c " + LARGE, b"GET b", *[b"GET c"] * 4))],
            id="a large reply is one reply",
        ),
        pytest.param(
            [Arrival(encoded(b"CONFIG SET maxmemory 1", b"SET c 1", b"MSET b 1 b 2"))],
            id="what others store takes no room here",
        ),
        pytest.param([PeerArrival(b"USE\r")], id="a link with garbage on it is closed at once"),
    ],
)
def test_both_members_do_the_same(arrivals: list[Arrival]) -> None:
    """Some of the keys (b) are another member's."""
    MEMBERS.compare(arrivals, KEYS)


def test_what_the_other_member_answers_gets_to_the_client() -> None:
    """If it did not, everything would be alike, too."""
    member = NativeMember()
    member.link_up()
    results = b"".join(encode_batch(Kind.RESULTS, [(1, DONE, b"$1\r\nv\r\n")]))
    answers = member.answers_of(
        [Arrival(encoded(b"GET b", b"PING")), PeerArrival(results, is_outgoing=True)]
    )
    assert answers == [
        (b"", [], [(1, 0, encoded(b"GET b"))], (False, False, False)),
        (b"$1\r\nv\r\n+PONG\r\n", [], [], (False, False, False)),
    ]


def test_calls_of_the_other_member_are_answered() -> None:
    """The same for the other direction."""
    member = NativeMember()
    member.link_up()
    calls = [(7, 0, encoded(b"SET c 1")), (9, 0, encoded(b"GET c")), (8, 0, encoded(b"GET b"))]
    arrivals = [PeerArrival(b"".join(encode_batch(Kind.CALLS, calls)))]
    assert member.answers_of(arrivals) == [
        (
            b"",
            [(7, DONE, b"+OK\r\n"), (8, NOT_OWNER, b""), (9, DONE, b"$1\r\n1\r\n")],
            [],
            (False, False, False),
        )
    ]


def test_what_is_logged_of_a_broken_request_can_be_encoded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The text for the client repeats its bytes, which are no text."""
    caplog.set_level("INFO", "memcloud.clients")
    NODES.compare([Arrival(b"*1\r\n\x87\r\n")], KEYS)
    assert "broke the protocol" in caplog.text
    caplog.text.encode()
