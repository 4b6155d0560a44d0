"""TIME, ROLE, FLUSHDB, FLUSHALL, SWAPDB, DBSIZE, and what monitors find empty."""

from __future__ import annotations

from typing import Any

import pytest

from memcloud.resp import ErrorReply

from .support import LocalNode

SYNTAX_ERROR = ErrorReply("ERR syntax error")


def filled() -> LocalNode:
    """Return a node with a key in database 0 and two in database 1."""
    node = LocalNode()
    databases = node.node.store.databases
    databases[0].set(b"a", b"1")
    databases[1].set(b"b", b"2")
    databases[1].set(b"c", b"3")
    return node


def sizes(node: LocalNode) -> list[int]:
    """Return how many keys the first two databases have."""
    found = []
    for number in (0, 1):
        node.run("SELECT", number)
        found.append(node.run("DBSIZE"))
    node.run("SELECT", 0)
    return found


def test_time_is_the_wall_clock_s() -> None:
    """In seconds and the microseconds of the second."""
    node = LocalNode()
    seconds, microseconds = node.run("TIME")
    assert int(seconds) * 1_000_000 + int(microseconds) == node.clock.unix_us()


def test_every_node_is_a_master() -> None:
    """Clients that look for the writable one find it."""
    assert LocalNode().run("ROLE") == [b"master", 0, []]


def test_flushdb_empties_one_database() -> None:
    """The one that is selected."""
    node = filled()
    assert node.run("FLUSHDB") == "OK"
    assert sizes(node) == [0, 2]


@pytest.mark.parametrize("words", [[], ["ASYNC"], ["sync"]])
def test_flushall_empties_all_databases(words: list[str]) -> None:
    """In whatever way it is asked to."""
    node = filled()
    assert node.run("FLUSHALL", *words) == "OK"
    assert sizes(node) == [0, 0]


def test_flushall_leaves_blocks() -> None:
    """They are not keys, and only FREE is for them."""
    node = filled()
    node.node.store.blocks.set(b"1", b"block")
    node.run("FLUSHALL")
    assert len(node.node.store.blocks) == 1


@pytest.mark.parametrize("words", [["foo"], ["SYNC", "ASYNC"]])
def test_a_flush_with_unknown_words_empties_nothing(words: list[str]) -> None:
    """It may have been meant for something else."""
    node = filled()
    assert node.run("FLUSHALL", *words) == SYNTAX_ERROR
    assert node.run("FLUSHDB", *words) == SYNTAX_ERROR
    assert sizes(node) == [1, 2]


def test_swapdb_exchanges_two_databases() -> None:
    """For connected clients too."""
    node = filled()
    assert node.run("SWAPDB", 0, 1) == "OK"
    assert sizes(node) == [2, 1]


@pytest.mark.parametrize(
    ("indexes", "text"),
    [
        (("0", "16"), "ERR DB index is out of range"),
        (("-1", "0"), "ERR DB index is out of range"),
        (("a", "1"), "ERR invalid first DB index"),
        (("0", "b"), "ERR invalid second DB index"),
    ],
)
def test_swapdb_needs_two_databases(indexes: tuple[str, str], text: str) -> None:
    """In Redis' words."""
    assert LocalNode().run("SWAPDB", *indexes) == ErrorReply(text)


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["SLOWLOG", "GET"], []),
        (["SLOWLOG", "GET", "-1"], []),
        (["SLOWLOG", "LEN"], 0),
        (["SLOWLOG", "RESET"], "OK"),
        (["LATENCY", "LATEST"], []),
        (["LATENCY", "HISTORY", "command"], []),
        (["LATENCY", "HISTOGRAM"], {}),
        (["LATENCY", "RESET", "command"], 0),
        (["MODULE", "LIST"], []),
    ],
)
def test_monitors_find_nothing_and_no_error(words: list[str], reply: Any) -> None:
    """RedisInsight and redis_exporter ask for these at once."""
    assert LocalNode().run(*words, protocol=3) == reply


@pytest.mark.parametrize("count", ["-2", "abc", ""])
def test_slowlog_wants_a_count(count: str) -> None:
    """In Redis' words."""
    assert LocalNode().run("SLOWLOG", "GET", count) == ErrorReply(
        "ERR count should be greater than or equal to -1"
    )
