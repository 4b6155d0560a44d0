"""Strings: setting with every option, getting, and working on parts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.resp import ErrorReply
from memcloud.store import BlockPointer

from .support import LocalNode

SYNTAX_ERROR = ErrorReply("ERR syntax error")
NOT_AN_INTEGER = ErrorReply("ERR value is not an integer or out of range")
TOO_LONG = ErrorReply("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
WRONG_TYPE = ErrorReply("WRONGTYPE Operation against a key holding the wrong kind of value")
INT64_MAX = 2**63 - 1


def invalid_time(command: str) -> ErrorReply:
    """Return the refusal of a duration or moment that cannot be."""
    return ErrorReply(f"ERR invalid expire time in '{command}' command")


def node_with(value: str | bytes, key: str = "k") -> LocalNode:
    """Return a node with one string."""
    node = LocalNode()
    assert node.run("SET", key, value) == "OK"
    return node


def test_set_replaces_the_value_and_forgets_the_deadline() -> None:
    """A plain SET starts the key anew."""
    node = node_with("old")
    node.run("EXPIRE", "k", 100)
    assert node.run("SET", "k", "new") == "OK"
    assert (node.run("GET", "k"), node.run("TTL", "k")) == (b"new", -1)


def test_keepttl_leaves_the_deadline() -> None:
    """That is what it is for."""
    node = node_with("old")
    node.run("PEXPIRE", "k", 5000)
    assert node.run("SET", "k", "new", "KEEPTTL") == "OK"
    assert node.run("PTTL", "k") == 5000


@pytest.mark.parametrize(
    ("words", "left_ms"),
    [
        (["EX", "10"], 10_000),
        (["px", "1500"], 1500),
        (["EXAT", "1700000010"], 10_000),
        (["PXAT", "1700000000001"], 1),
        (["EX", "10", "EX", "20"], 20_000),  # the last one counts
        (["GET", "EX", "7", "XX"], 7000),
    ],
)
def test_set_gives_the_key_a_deadline(words: list[str], left_ms: int) -> None:
    """In all four forms, among other options."""
    node = node_with("old")
    node.run("SET", "k", "new", *words)
    assert (node.run("GET", "k"), node.run("PTTL", "k")) == (b"new", left_ms)


def test_a_deadline_in_the_past_is_accepted_and_the_key_is_gone() -> None:
    """SET answers OK, as Redis does."""
    node = node_with("old")
    assert node.run("SET", "k", "new", "EXAT", 1) == "OK"
    assert node.run("GET", "k") is None


def test_a_key_ends_after_its_last_millisecond() -> None:
    """At the deadline it is still there."""
    node = node_with("v")
    node.run("SET", "k", "v", "PX", 100)
    node.clock.advance(100)
    assert node.run("GET", "k") == b"v"
    node.clock.advance(1)
    assert node.run("GET", "k") is None


def test_nx_and_xx_ask_whether_the_key_exists() -> None:
    """Refused is null, and nothing changes."""
    node = LocalNode()
    assert node.run("SET", "k", "a", "XX") is None
    assert node.run("SET", "k", "a", "NX") == "OK"
    assert node.run("SET", "k", "b", "nx") is None
    assert node.run("SET", "k", "b", "xx") == "OK"
    assert node.run("GET", "k") == b"b"


def test_get_returns_what_was_there_whether_or_not_the_value_is_set() -> None:
    """Null says that there was nothing, even if NX then set it."""
    node = LocalNode()
    assert node.run("SET", "k", "a", "NX", "GET") is None
    assert node.run("SET", "k", "b", "NX", "GET") == b"a"
    assert node.run("SET", "k", "c", "GET") == b"a"
    assert node.run("SET", "other", "d", "XX", "GET") is None
    assert node.run("MGET", "k", "other") == [b"c", None]


@pytest.mark.parametrize(
    "line",
    [
        "NX XX",
        "XX NX",
        "KEEPTTL EX 10",
        "EX 10 KEEPTTL",
        "EX 10 PX 10",
        "PXAT 10 EXAT 10",
        "EX",
        "PERSIST",
        "FOO",
        "EX 10 FOO",
        "10",
    ],
)
def test_options_that_exclude_each_other_are_a_syntax_error(line: str) -> None:
    """The key stays as it is."""
    node = node_with("old")
    assert node.run("SET", "k", "new", *line.split()) == SYNTAX_ERROR
    assert node.run("GET", "k") == b"old"


@pytest.mark.parametrize(
    "line",
    [
        "EX 0",
        "PX -1",
        "EXAT 0",
        "PXAT -5",
        f"EX {INT64_MAX}",
        f"EX {INT64_MAX // 1000}",
        f"PX {INT64_MAX}",
        f"EXAT {INT64_MAX // 1000 + 1}",
    ],
)
def test_durations_that_cannot_be_are_refused(line: str) -> None:
    """Not positive, or past 64 bits once they are milliseconds since 1970."""
    assert LocalNode().run("SET", "k", "v", *line.split()) == invalid_time("set")


def test_the_last_moment_of_all_is_accepted() -> None:
    """And comes back."""
    node = LocalNode()
    assert node.run("SET", "k", "v", "PXAT", INT64_MAX) == "OK"
    assert node.run("PEXPIRETIME", "k") == INT64_MAX


def test_a_duration_that_is_no_number_is_refused_as_such() -> None:
    """Before anything else is looked at."""
    node = LocalNode()
    assert node.run("SET", "k", "v", "EX", "ten") == NOT_AN_INTEGER
    assert node.run("SETEX", "k", "1.5", "v") == NOT_AN_INTEGER


def test_setex_and_psetex_set_both() -> None:
    """With their own names in the error."""
    node = LocalNode()
    assert node.run("SETEX", "a", 10, "v") == "OK"
    assert node.run("PSETEX", "b", 10, "v") == "OK"
    assert (node.run("PTTL", "a"), node.run("PTTL", "b")) == (10_000, 10)
    assert node.run("SETEX", "a", 0, "v") == invalid_time("setex")
    assert node.run("PSETEX", "a", -1, "v") == invalid_time("psetex")


def test_setnx_sets_once() -> None:
    """1, then 0."""
    node = LocalNode()
    assert [node.run("SETNX", "k", value) for value in "ab"] == [1, 0]
    assert node.run("GET", "k") == b"a"


def test_getset_returns_the_old_and_forgets_the_deadline() -> None:
    """It is GET and SET."""
    node = LocalNode()
    assert node.run("GETSET", "k", "a") is None
    node.run("EXPIRE", "k", 10)
    assert node.run("GETSET", "k", "b") == b"a"
    assert node.run("TTL", "k") == -1


def test_getdel_returns_and_removes() -> None:
    """The second time there is nothing."""
    node = node_with("v")
    assert [node.run("GETDEL", "k") for _ in "12"] == [b"v", None]


@pytest.mark.parametrize(
    ("words", "left_ms"),
    [
        ([], 5000),
        (["PERSIST"], -1),
        (["EX", "10"], 10_000),
        (["PXAT", "1700000000007"], 7),
        (["EXAT", "1"], -2),
    ],
)
def test_getex_returns_the_value_and_moves_the_deadline(words: list[str], left_ms: int) -> None:
    """A moment that has passed removes the key, after it was read."""
    node = node_with("v")
    node.run("PEXPIRE", "k", 5000)
    assert node.run("GETEX", "k", *words) == b"v"
    assert node.run("PTTL", "k") == left_ms


def test_getex_looks_for_the_key_before_it_reads_the_number() -> None:
    """So null comes before a bad number, but not before a bad option."""
    node = LocalNode()
    assert node.run("GETEX", "k", "EX", "ten") is None
    assert node.run("GETEX", "k", "PERSIST", "EX", "1") == SYNTAX_ERROR
    assert node.run("GETEX", "k", "NX") == SYNTAX_ERROR
    node.run("SET", "k", "v")
    assert node.run("GETEX", "k", "EX", "ten") == NOT_AN_INTEGER
    assert node.run("GETEX", "k", "PX", "0") == invalid_time("getex")


def test_mset_and_mget_take_many_keys() -> None:
    """A key named twice has its last value, and one that is missing is null."""
    node = LocalNode()
    assert node.run("MSET", "a", 1, "b", 2, "a", 3) == "OK"
    assert node.run("MGET", "a", "none", "b", "a") == [b"3", None, b"2", b"3"]


@pytest.mark.parametrize("command", ["mset", "msetnx"])
def test_a_key_without_a_value_is_too_few_arguments(command: str) -> None:
    """And nothing is set."""
    node = LocalNode()
    error = ErrorReply(f"ERR wrong number of arguments for '{command}' command")
    assert node.run(command, "{t}a", 1, "{t}b") == error
    assert node.run("EXISTS", "{t}a") == 0


def test_msetnx_sets_all_or_nothing() -> None:
    """One key in use is enough to refuse."""
    node = LocalNode()
    assert node.run("MSETNX", "{t}a", 1, "{t}b", 2) == 1
    assert node.run("MSETNX", "{t}c", 3, "{t}b", 4) == 0
    assert node.run("MGET", "{t}a", "{t}b", "{t}c") == [b"1", b"2", None]


def test_append_makes_the_string_or_the_key() -> None:
    """Even an empty one, and the deadline stays."""
    node = LocalNode()
    assert node.run("APPEND", "k", "") == 0
    assert node.run("EXISTS", "k") == 1
    node.run("EXPIRE", "k", 10)
    assert node.run("APPEND", "k", "ab") == 2
    assert node.run("APPEND", "k", "c") == 3
    assert (node.run("GET", "k"), node.run("TTL", "k")) == (b"abc", 10)


@given(st.binary(max_size=8), st.integers(-12, 12), st.integers(-12, 12))
def test_getrange_is_a_slice_with_both_ends(value: bytes, start: int, end: int) -> None:
    """Negative positions count from the end; before the start means the start."""
    node = node_with(value)
    length = len(value)
    places = range(length)
    first = max(0, start + length if start < 0 else start)
    last = max(0, end + length if end < 0 else end)
    expected = bytes(value[n] for n in places if first <= n <= last)
    if start < 0 and end < 0 and start > end:
        expected = b""
    assert node.run("GETRANGE", "k", start, end) == expected
    assert node.run("SUBSTR", "k", start, end) == expected


def test_getrange_takes_any_64_bit_positions() -> None:
    """And of a key that is not there, nothing."""
    node = node_with("abc")
    assert node.run("GETRANGE", "k", -(2**63), INT64_MAX) == b"abc"
    assert node.run("GETRANGE", "none", 0, -1) == b""
    assert node.run("GETRANGE", "k", 0, INT64_MAX + 1) == NOT_AN_INTEGER


@given(st.binary(max_size=6), st.integers(0, 10), st.binary(max_size=4))
def test_setrange_is_an_assignment_to_a_slice(value: bytes, offset: int, patch: bytes) -> None:
    """Beyond the end it fills up with zeros; an empty patch changes nothing."""
    node = node_with(value)
    model = bytearray(value)
    if patch:
        model.extend(bytes(max(0, offset - len(model))))
        model[offset : offset + len(patch)] = patch
    assert node.run("SETRANGE", "k", offset, patch) == len(model)
    assert node.run("GET", "k") == bytes(model)


def test_setrange_makes_the_key_only_for_something() -> None:
    """Nothing written is no key."""
    node = LocalNode()
    assert node.run("SETRANGE", "k", 99_999_999_999, "") == 0
    assert node.run("EXISTS", "k") == 0
    assert node.run("SETRANGE", "k", 2, "x") == 3
    assert node.run("GET", "k") == b"\0\0x"


def test_setrange_refuses_an_offset_before_the_start() -> None:
    """Unlike GETRANGE it does not count from the end."""
    node = node_with("abc")
    assert node.run("SETRANGE", "k", -1, "x") == ErrorReply("ERR offset is out of range")
    assert node.run("SETRANGE", "k", "x", "x") == NOT_AN_INTEGER


def test_strings_have_a_largest_size() -> None:
    """Checked before the memory is taken."""
    node = node_with("abc")
    node.run("CONFIG", "SET", "proto-max-bulk-len", 1 << 20)
    assert node.run("SETRANGE", "k", (1 << 20) - 1, "x") == 1 << 20
    assert node.run("SETRANGE", "k", 1 << 20, "x") == TOO_LONG
    assert node.run("SETRANGE", "k", INT64_MAX, "abc") == TOO_LONG
    assert node.run("APPEND", "k", "x") == TOO_LONG
    assert node.run("STRLEN", "k") == 1 << 20


def test_strlen_counts_bytes() -> None:
    """Not letters."""
    node = node_with("é")
    assert (node.run("STRLEN", "k"), node.run("STRLEN", "none")) == (2, 0)


@pytest.mark.parametrize(
    "words",
    [
        ["GET", "k"],
        ["SET", "k", "v", "GET"],
        ["SET", "k", "v", "NX", "GET"],
        ["GETSET", "k", "v"],
        ["GETDEL", "k"],
        ["GETEX", "k", "EX", "0"],
        ["APPEND", "k", ""],
        ["STRLEN", "k"],
        ["GETRANGE", "k", 0, 0],
        ["SETRANGE", "k", 0, ""],
        ["INCR", "k"],
        ["DECRBY", "k", 1],
        ["INCRBYFLOAT", "k", "abc"],
    ],
)
def test_what_is_no_string_is_the_wrong_type(words: list[Any]) -> None:
    """And stays what it is."""
    node = LocalNode()
    value = BlockPointer("somewhere")
    keys = node.node.store.databases[0]
    keys.set(b"k", value)
    assert node.run(*words) == WRONG_TYPE
    assert keys.peek(b"k") == value


def test_a_string_replaces_what_is_no_string() -> None:
    """SET asks no type; MGET shows null, and LCS has words of its own."""
    node = LocalNode()
    node.node.store.databases[0].set(b"k", BlockPointer("somewhere"))
    assert node.run("MGET", "k") == [None]
    assert node.run("LCS", "k", "k") == ErrorReply(
        "ERR The specified keys must contain string values"
    )
    assert node.run("SET", "k", "v") == "OK"
    assert node.run("GET", "k") == b"v"


def test_reading_counts_hits_and_misses_and_writing_does_not() -> None:
    """As Redis counts them, so that the hit ratio is that of readers."""
    node = node_with("1")
    store = node.node.store
    store.reset_statistics()
    for words in (["INCR", "k"], ["APPEND", "k", "0"], ["SETRANGE", "x", 0, "y"], ["INCR", "z"]):
        node.run(*words)
    assert (store.hits, store.misses) == (0, 0)
    for words in (["GET", "k"], ["STRLEN", "none"], ["SET", "k", "v", "GET"]):
        node.run(*words)
    assert (store.hits, store.misses) == (2, 1)
