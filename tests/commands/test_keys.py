"""Keys whatever they hold: removing, counting, renaming, copying."""

from __future__ import annotations

import pytest

from memcloud.resp import ErrorReply

from .support import LocalNode

SYNTAX_ERROR = ErrorReply("ERR syntax error")
NO_SUCH_KEY = ErrorReply("ERR no such key")


def node_with(**values: str) -> LocalNode:
    """Return a node with these strings."""
    node = LocalNode()
    for key, value in values.items():
        node.run("SET", key, value)
    return node


@pytest.mark.parametrize("command", ["DEL", "UNLINK"])
def test_removing_counts_what_was_there(command: str) -> None:
    """A key named twice is removed once."""
    node = node_with(a="1", b="2")
    assert node.run(command, "a", "none", "a", "b") == 2
    assert node.run("DBSIZE") == 0


@pytest.mark.parametrize("command", ["EXISTS", "TOUCH"])
def test_counting_counts_every_mention(command: str) -> None:
    """A key named twice counts twice, as in Redis."""
    assert node_with(a="1").run(command, "a", "none", "a") == 2


@pytest.mark.parametrize("command", ["DEL", "UNLINK", "EXISTS", "TOUCH"])
def test_an_expired_key_does_not_count(command: str) -> None:
    """Even before the node has noticed."""
    node = node_with(a="1")
    node.run("PEXPIRE", "a", 10)
    node.clock.advance(11)
    assert node.run(command, "a") == 0


def test_touch_makes_a_key_recent() -> None:
    """For the eviction by age; EXISTS does not."""
    node = node_with(a="1")
    node.clock.advance(5000)
    node.run("EXISTS", "a")
    assert node.run("OBJECT", "IDLETIME", "a") == 5
    node.run("TOUCH", "a")
    assert node.run("OBJECT", "IDLETIME", "a") == 0


def test_type_is_a_status_word() -> None:
    """``none`` without a key."""
    node = node_with(a="1")
    assert (node.run("TYPE", "a"), node.run("TYPE", "b")) == ("string", "none")
    assert node.send(b"*2\r\n$4\r\nTYPE\r\n$1\r\na\r\n") == b"+string\r\n"


def test_rename_takes_the_deadline_along() -> None:
    """That of the key which had the name goes."""
    node = node_with(a="1", b="2")
    node.run("PEXPIRE", "a", 700)
    node.run("PEXPIRE", "b", 900)
    assert node.run("RENAME", "a", "b") == "OK"
    assert (node.run("GET", "b"), node.run("PTTL", "b")) == (b"1", 700)
    assert node.run("EXISTS", "a") == 0


def test_rename_to_the_same_name_is_nothing() -> None:
    """If the key exists."""
    node = node_with(a="1")
    assert node.run("RENAME", "a", "a") == "OK"
    assert node.run("RENAMENX", "a", "a") == 0
    assert node.run("GET", "a") == b"1"


@pytest.mark.parametrize("command", ["RENAME", "RENAMENX"])
def test_a_missing_key_cannot_be_renamed(command: str) -> None:
    """Not even to itself."""
    node = LocalNode()
    assert node.run(command, "a", "b") == NO_SUCH_KEY
    assert node.run(command, "a", "a") == NO_SUCH_KEY


def test_renamenx_leaves_a_name_in_use() -> None:
    """0, and both keys stay."""
    node = node_with(a="1", b="2")
    assert node.run("RENAMENX", "a", "b") == 0
    assert node.run("RENAMENX", "a", "c") == 1
    assert node.run("MGET", "a", "b", "c") == [None, b"2", b"1"]


def test_copy_takes_value_and_deadline() -> None:
    """The source stays."""
    node = node_with(a="1")
    node.run("PEXPIRE", "a", 700)
    assert node.run("COPY", "a", "b") == 1
    assert (node.run("GET", "b"), node.run("PTTL", "b")) == (b"1", 700)
    assert node.run("PTTL", "a") == 700


def test_copy_replaces_only_when_asked() -> None:
    """0 if the name is in use, or there is nothing to copy."""
    node = node_with(a="1", b="2")
    node.run("EXPIRE", "b", 100)
    assert node.run("COPY", "a", "b") == 0
    assert node.run("COPY", "none", "c") == 0
    assert node.run("COPY", "none", "b", "REPLACE") == 0
    assert node.run("COPY", "a", "b", "replace") == 1
    assert (node.run("GET", "b"), node.run("TTL", "b")) == (b"1", -1)


def test_copy_leads_to_other_databases() -> None:
    """There the name may be the same."""
    node = node_with(a="1")
    assert node.run("COPY", "a", "a", "DB", 3) == 1
    node.run("SELECT", 3)
    assert node.run("GET", "a") == b"1"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("a a", "ERR source and destination objects are the same"),
        ("a a DB 0", "ERR source and destination objects are the same"),
        ("none none", "ERR source and destination objects are the same"),
        ("a b DB 16", "ERR DB index is out of range"),
        ("a b DB -1", "ERR DB index is out of range"),
        ("a b DB x", "ERR value is not an integer or out of range"),
        (
            "a b DB 99999999999",
            "ERR value is out of range, value must between -2147483648 and 2147483647",
        ),
        ("a b DB", "ERR syntax error"),
        ("a b FOO", "ERR syntax error"),
    ],
)
def test_copies_that_cannot_be(line: str, text: str) -> None:
    """In the words of Redis."""
    assert node_with(a="1").run("COPY", *line.split()) == ErrorReply(text)


def test_randomkey_is_a_live_key_or_null() -> None:
    """One whose time is over is none."""
    node = node_with(a="1", b="2")
    assert {node.run("RANDOMKEY") for _ in range(50)} == {b"a", b"b"}
    node.run("PEXPIRE", "a", 10)
    node.clock.advance(11)
    assert {node.run("RANDOMKEY") for _ in range(20)} == {b"b"}
    node.run("DEL", "b")
    assert node.run("RANDOMKEY") is None
