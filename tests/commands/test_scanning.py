"""KEYS, SCAN and DBSIZE on one node; over several, see tests/cluster and tests/sim."""

from __future__ import annotations

from typing import Any

import pytest

from memcloud.resp import ErrorReply

from .support import LocalNode

SYNTAX_ERROR = ErrorReply("ERR syntax error")
INVALID_CURSOR = ErrorReply("ERR invalid cursor")


def node_with(count: int) -> LocalNode:
    """Return a node with the keys key:0, key:1 and so on."""
    node = LocalNode()
    for number in range(count):
        node.run("SET", f"key:{number}", number)
    return node


def scanned(node: LocalNode, *options: Any) -> list[bytes]:
    """Return what all steps of a scan give."""
    found: list[bytes] = []
    cursor = b"0"
    while True:
        cursor, page = node.run("SCAN", cursor, *options)
        found += page
        if cursor == b"0":
            return found


@pytest.mark.parametrize("options", [[], ["COUNT", 1], ["count", 7], ["COUNT", 10**18]])
def test_a_scan_meets_every_key_once(options: list[Any]) -> None:
    """Whatever the size of its steps."""
    expected = sorted(b"key:%d" % number for number in range(100))
    assert sorted(scanned(node_with(100), *options)) == expected


def test_a_key_that_stays_is_met_although_others_come_and_go() -> None:
    """A cursor is a place in the order of all keys, not in a table."""
    node = node_with(50)
    cursor, found = node.run("SCAN", 0, "COUNT", 5)
    step = 0
    while cursor != b"0":
        node.run("SET", f"new:{step}", 1)
        node.run("DEL", f"new:{step - 3}")
        cursor, page = node.run("SCAN", cursor, "COUNT", 5)
        found += page
        step += 1
    assert sorted(key for key in found if key.startswith(b"key:")) == sorted(node.run("KEYS", "k*"))


def test_match_and_type_leave_keys_out() -> None:
    """After the step has been taken, so that a page can be empty."""
    node = node_with(30)
    assert sorted(scanned(node, "MATCH", "key:1?")) == [b"key:1%d" % n for n in range(10)]
    assert len(scanned(node, "TYPE", "STRING", "MATCH", "*")) == 30
    assert scanned(node, "TYPE", "list") == []
    assert scanned(node, "MATCH", "*", "MATCH", "none") == []  # the last one counts


@pytest.mark.parametrize("cursor", ["", "007", "+5", "-1", "18446744073709551615"])
def test_cursors_may_be_anything_that_strtoul_reads(cursor: str) -> None:
    """Redis reads them so."""
    reply = LocalNode().run("SCAN", cursor)
    assert reply == [b"0", []]


@pytest.mark.parametrize("cursor", ["x", " 1", "1 ", "1x", "18446744073709551616", "1.5"])
def test_other_cursors_are_invalid(cursor: str) -> None:
    """And the options are not looked at."""
    assert LocalNode().run("SCAN", cursor, "FOO") == INVALID_CURSOR


@pytest.mark.parametrize(
    "line", ["COUNT 0", "COUNT -1", "COUNT", "MATCH", "TYPE", "FOO", "COUNT 5 FOO", "FOO 1"]
)
def test_other_options_are_a_syntax_error(line: str) -> None:
    """A count below one is one of them."""
    assert LocalNode().run("SCAN", 0, *line.split()) == SYNTAX_ERROR


def test_a_count_is_a_number() -> None:
    """Its error is that of numbers."""
    error = ErrorReply("ERR value is not an integer or out of range")
    assert LocalNode().run("SCAN", 0, "COUNT", "ten") == error


def test_keys_fit_the_pattern() -> None:
    """All of them at once, the empty one included for a lone star."""
    node = node_with(3)
    node.run("SET", "", "empty")
    assert sorted(node.run("KEYS", "*")) == [b"", b"key:0", b"key:1", b"key:2"]
    assert node.run("KEYS", "k?y:[1]") == [b"key:1"]
    assert node.run("KEYS", "") == [b""]


def test_keys_whose_time_is_over_are_not_shown() -> None:
    """DBSIZE counts them until they are removed, as in Redis."""
    node = node_with(2)
    node.run("PEXPIRE", "key:0", 10)
    node.clock.advance(11)
    assert node.run("DBSIZE") == 2
    assert node.run("KEYS", "*") == [b"key:1"]
    assert scanned(node) == [b"key:1"]
    node.advance(100)
    assert node.run("DBSIZE") == 1


def test_databases_are_apart() -> None:
    """Each has its own keys."""
    node = node_with(2)
    node.run("SELECT", 1)
    assert (node.run("DBSIZE"), node.run("KEYS", "*"), scanned(node)) == (0, [], [])
