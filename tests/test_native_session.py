"""The native session is held to the readable one: the same bytes for any stream, however it is cut.

Both nodes have the same clock and are sent the same bytes in the same pieces; the one has a native
session and store, the other neither. Replies, keys, deadlines and what is counted must be equal.
(Without native modules a readable one stands beside itself.)
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import memcloud.node
from memcloud.resp import ErrorReply
from memcloud.store import store as readable

from .commands.support import LocalNode

KEYS = st.sampled_from([b"a", b"b", b"c", b"{a}1", b"{a}2", b"", b"k" * 300])
NUMBERS = st.sampled_from(
    [b"0", b"1", b"-1", b"5", b"100", b"01", b"+1", b" 1", b"", b"x", b"1e3", b"-0"]
    + [b"%d" % (2**63 + shift) for shift in (-2, -1, 0)]
    + [b"%d" % (-(2**63) + shift) for shift in (-1, 0, 1)]
    + [b"9" * 19, b"9" * 20, b"16384", b"16380", b"1000000000000"]
)
FLOATS = st.sampled_from(b"0.1 -0.1 3.0e3 0.5 10. .5 +1.50 -0.0 1e400 inf nan -5.25".split()) | (
    st.sampled_from([b"9" * 30, b"0.%017d" % 1, b"0.%018d" % 6, b"1" * 41, b"-5.25 "])
)
VALUES = (
    NUMBERS
    | st.binary(max_size=20)
    | st.sampled_from([b"v" * size for size in (16383, 16384, 16385, 70_000)])
)
OPTIONS = st.lists(
    st.sampled_from([b"NX", b"xx", b"GET", b"KEEPTTL", b"EX", b"px", b"PXAT", b"PERSIST", b"get"])
    | st.sampled_from([b"PINNED", b"CACHE", b"GT", b"LT"])
    | NUMBERS,
    max_size=4,
)
WITH_KEY = ["get", "incr", "decr", "strlen", "getdel", "getex", "type", "ttl", "pttl"]
WITH_KEY += ["expiretime", "pexpiretime", "persist"]
WITH_VALUE = ["set", "append", "setnx", "getset"]
WITH_NUMBER = ["incrby", "decrby", "expire", "pexpire", "expireat", "pexpireat"]
WITH_KEYS = ["mget", "del", "unlink", "exists", "touch"]


def spelled(names: list[str]) -> st.SearchStrategy[bytes]:
    """Return names in small or capital letters or a mixture."""
    change = st.sampled_from([str.lower, str.upper, str.title])
    return st.builds(lambda name, change: change(name).encode(), st.sampled_from(names), change)


def command(*parts: st.SearchStrategy[bytes], more: bool = False) -> st.SearchStrategy[list[bytes]]:
    """Return commands of these arguments, with options behind them if there may be ``more``."""
    fixed = st.tuples(*parts).map(list)
    return st.builds(lambda a, b: a + b, fixed, OPTIONS) if more else fixed


COMMANDS = st.one_of(
    command(spelled(WITH_KEY), KEYS),
    command(spelled(WITH_KEY), KEYS, more=True),
    command(spelled(WITH_VALUE), KEYS, VALUES),
    command(spelled(["set"]), KEYS, VALUES, more=True),
    command(spelled(WITH_NUMBER), KEYS, NUMBERS),
    command(spelled(WITH_NUMBER), KEYS, NUMBERS, more=True),
    command(spelled(["setex", "psetex", "setrange"]), KEYS, NUMBERS, VALUES),
    command(spelled(["getrange", "substr"]), KEYS, NUMBERS, NUMBERS),
    st.builds(lambda name, keys: [name, *keys], spelled(WITH_KEYS), st.lists(KEYS, max_size=5)),
    st.builds(lambda pairs: [b"MSET", *pairs], st.lists(KEYS | VALUES, max_size=7)),
    command(spelled(["ping", "echo"]), VALUES),
    command(spelled(["incrbyfloat"]), KEYS, NUMBERS | FLOATS),
    command(spelled(["set"]), KEYS, FLOATS),
    command(spelled(["object"]), st.sampled_from([b"encoding", b"ENCODING", b"freq"]), KEYS),
    command(spelled(["rename", "renamenx"]), KEYS, KEYS),
    command(spelled(["copy"]), KEYS, KEYS),
    command(spelled(["copy"]), KEYS, KEYS, st.sampled_from([b"REPLACE", b"replace", b"x"])),
    st.builds(lambda pairs: [b"MSETNX", *pairs], st.lists(KEYS | VALUES, max_size=5)),
    st.just([b"DBSIZE"]),
    st.sampled_from([[b"PING"], [b"GET"], [b"nonsense", b"a"], [b"SELECT", b"1"], [b"FLUSHDB"]]),
    st.sampled_from([[b"HELLO", b"3"], [b"HELLO", b"2"], [b"CLIENT", b"NO-TOUCH", b"ON"]]),
    st.sampled_from([[b"CLIENT", b"REPLY", b"SKIP"], [b"SWAPDB", b"0", b"1"]]),
)


def encoded(arguments: list[bytes]) -> bytes:
    """Return a request as clients write it."""
    parts = [b"$%d\r\n%s\r\n" % (len(argument), argument) for argument in arguments]
    return b"*%d\r\n" % len(arguments) + b"".join(parts)


PIECES = COMMANDS.map(encoded) | st.sampled_from(
    [
        b"PING\r\n",
        b"GET a\r\n",
        b"\r\n",
        b"*0\r\n",
        b"*-1\r\n",
        b"SET a 'x y'\r\n",
        b"*1\r\n$4\nPING\r\n",
    ]
)
BROKEN = st.sampled_from(
    [
        b"*1\r\n:4\r\n",
        b"*x\r\n",
        b"*2\r\n$3\r\nGET\r\n$-1\r\n",
        b"*1\r\n$9999999999\r\n",
        b'SET "a\r\n',
    ]
) | st.binary(max_size=30)


def readable_node() -> LocalNode:
    """Return a node without a native session and store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memcloud.node, "new_engine", lambda *arguments: None)
        patch.setattr(memcloud.node, "Store", readable.Store)
        return LocalNode()


def observed(node: LocalNode) -> object:
    """Return all that a client could find out, in a form that can be compared."""
    stats, store, session = node.node.stats, node.node.store, node.session
    keys = [
        {key: (keys.peek(key), keys.deadline_ms(key), keys.retention(key)) for key in keys.keys()}
        for keys in store.databases
    ]
    calls = {
        name: (counted.calls, counted.rejected, counted.failed)
        for name, counted in stats.commands.items()
    }
    traffic = session.traffic
    return (
        [sorted(each.items()) for each in keys],
        (store.hits, store.misses, store.expired_keys),
        (calls, dict(stats.errors), stats.commands_processed, stats.protocol_errors),
        (traffic.commands_processed, traffic.bytes_received, traffic.bytes_sent),
        (traffic.last_command, session.database, session.protocol, node.is_closed),
    )


@settings(deadline=None, max_examples=100)
@given(st.lists(PIECES, max_size=40), BROKEN | st.just(b""), st.data())
def test_both_sessions_answer_any_stream_alike(
    pieces: list[bytes], end: bytes, data: st.DataObject
) -> None:
    """Commands of all kinds, cut anywhere, with time going by in between."""
    native, plain = LocalNode(), readable_node()
    stream = b"".join(pieces) + end
    while stream:
        size = data.draw(st.integers(1, len(stream)) | st.just(len(stream)))
        assert native.send(stream[:size]) == plain.send(stream[:size])
        stream = stream[size:]
        pause_ms = data.draw(st.sampled_from([0, 1, 5, 1000]))
        native.advance(pause_ms)
        plain.advance(pause_ms)
    assert observed(native) == observed(plain)


@pytest.mark.parametrize("count", ["1", "7", "1000", "0", "-1", "x", "9223372036854775807"])
def test_both_sessions_find_the_same_keys_in_steps(count: str) -> None:
    """In an order of their own: SCAN promises none."""
    native, plain = LocalNode(), readable_node()
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


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_stream_in_pieces_of_one_size_is_answered_alike(size: int) -> None:
    """Each boundary comes to lie within something."""
    requests = [
        [b"SET", b"a", b"1"], [b"INCR", b"a"], [b"MSET", b"b", b"2", b"c", b"3"], [b"GET", b"a"],
        [b"SET", b"d", b"x" * 200, b"EX", b"10"], [b"TTL", b"d"], [b"NO"], [b"MGET", b"a", b"d"],
        [b"DEL", b"a", b"b"], [b"PING"], [b"GET", b"a"], [b"STRLEN", b"d"],
    ]  # fmt: skip
    stream = b"".join(map(encoded, requests)) * 3
    native, plain = LocalNode(), readable_node()
    replies = [
        b"".join(node.send(stream[at : at + size]) for at in range(0, len(stream), size))
        for node in (native, plain)
    ]
    assert replies[0] == replies[1]
    assert observed(native) == observed(plain)
