"""Deadlines: set, conditional, asked for, taken away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.resp import ErrorReply

from .support import LocalNode

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
NOW = 1_700_000_000  # where the calendar of a test begins, in seconds
INCOMPATIBLE = ErrorReply("ERR NX and XX, GT or LT options at the same time are not compatible")


def node_with_key(*, left_ms: int | None = None) -> LocalNode:
    """Return a node with the key ``k``."""
    node = LocalNode()
    node.run("SET", "k", "v")
    if left_ms is not None:
        node.run("PEXPIRE", "k", left_ms)
    return node


@pytest.mark.parametrize(
    ("command", "amount"),
    [("EXPIRE", 2), ("PEXPIRE", 2000), ("EXPIREAT", NOW + 2), ("PEXPIREAT", NOW * 1000 + 2000)],
)
def test_four_ways_to_the_same_deadline(command: str, amount: int) -> None:
    """Seconds or milliseconds, from now or since 1970."""
    node = node_with_key()
    assert node.run(command, "k", amount) == 1
    assert node.run("PTTL", "k") == 2000
    assert node.run("PEXPIRETIME", "k") == NOW * 1000 + 2000
    assert node.run("EXPIRETIME", "k") == NOW + 2


def test_a_key_is_there_up_to_and_with_its_last_millisecond() -> None:
    """As in Redis."""
    node = node_with_key(left_ms=10)
    node.clock.advance(10)
    assert (node.run("PTTL", "k"), node.run("EXISTS", "k")) == (0, 1)
    node.clock.advance(1)
    assert (node.run("PTTL", "k"), node.run("EXISTS", "k")) == (-2, 0)


@given(st.integers(NOW * 1000 + 1, INT64_MAX))
def test_the_moment_comes_back_as_it_was_given(moment_ms: int) -> None:
    """The two clocks differ by a constant, which cancels out."""
    node = node_with_key()
    node.run("PEXPIREAT", "k", moment_ms)
    node.clock.advance(1 if moment_ms > NOW * 1000 + 1 else 0)
    assert node.run("PEXPIRETIME", "k") == moment_ms
    assert node.run("EXPIRETIME", "k") == (moment_ms + 500) // 1000


@pytest.mark.parametrize(("left_ms", "seconds"), [(1, 0), (499, 0), (500, 1), (1499, 1), (1500, 2)])
def test_seconds_are_rounded(left_ms: int, seconds: int) -> None:
    """Not cut, as in Redis."""
    assert node_with_key(left_ms=left_ms).run("TTL", "k") == seconds


@pytest.mark.parametrize("command", ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"])
def test_two_numbers_below_zero_are_no_times(command: str) -> None:
    """-1: no deadline, -2: no key."""
    node = node_with_key()
    assert (node.run(command, "k"), node.run(command, "none")) == (-1, -2)


@pytest.mark.parametrize(
    "line", ["EXPIRE k 0", "PEXPIRE k -1", "EXPIREAT k 1", f"PEXPIREAT k {INT64_MIN}"]
)
def test_a_deadline_that_has_passed_removes_the_key(line: str) -> None:
    """And counts as set."""
    node = node_with_key()
    assert node.run(*line.split()) == 1
    assert node.run("DBSIZE") == 0


@pytest.mark.parametrize("command", ["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"])
def test_a_missing_key_gets_no_deadline(command: str) -> None:
    """0."""
    assert LocalNode().run(command, "none", 10) == 0


@pytest.mark.parametrize(
    ("option", "left_ms", "wanted_ms", "is_set"),
    [
        ("NX", None, 500, 1),
        ("NX", 100, 500, 0),
        ("XX", None, 500, 0),
        ("xx", 100, 500, 1),
        ("GT", None, 500, 0),  # no deadline is later than any
        ("GT", 500, 500, 0),
        ("gt", 499, 500, 1),
        ("LT", None, 500, 1),
        ("LT", 500, 500, 0),
        ("LT", 501, 500, 1),
        ("XX GT", 499, 500, 1),
        ("XX LT", None, 500, 0),
        ("XX XX", 100, 500, 1),
    ],
)
def test_a_deadline_can_hang_on_the_one_before(
    option: str, left_ms: int | None, wanted_ms: int, is_set: int
) -> None:
    """Refused is 0, and the old one stays."""
    node = node_with_key(left_ms=left_ms)
    assert node.run("PEXPIRE", "k", wanted_ms, *option.split()) == is_set
    assert node.run("PTTL", "k") == (wanted_ms if is_set else left_ms or -1)


@pytest.mark.parametrize("line", ["NX XX", "GT NX", "LT NX", "NX GT LT"])
def test_nx_stands_alone(line: str) -> None:
    """The error comes before the number is looked at."""
    assert node_with_key().run("EXPIRE", "k", "ten", *line.split()) == INCOMPATIBLE


def test_gt_and_lt_exclude_each_other() -> None:
    """With words of their own."""
    assert node_with_key().run("EXPIRE", "k", 10, "GT", "LT") == ErrorReply(
        "ERR GT and LT options at the same time are not compatible"
    )


def test_an_unknown_option_is_named() -> None:
    """As it was sent."""
    error = ErrorReply("ERR Unsupported option foo")
    assert node_with_key().run("EXPIRE", "k", 10, "NX", "foo") == error


@pytest.mark.parametrize(
    ("command", "amount"),
    [
        ("expire", INT64_MAX),
        ("expire", INT64_MAX // 1000),
        ("expire", -(INT64_MAX // 1000) - 1),
        ("pexpire", INT64_MAX),
        ("pexpire", INT64_MAX - NOW * 1000 + 1),
        ("expireat", INT64_MAX // 1000 + 1),
    ],
)
def test_what_64_bits_cannot_hold_is_refused(command: str, amount: int) -> None:
    """As milliseconds since 1970, whatever the unit of the command."""
    error = ErrorReply(f"ERR invalid expire time in '{command}' command")
    assert node_with_key().run(command, "k", amount) == error


@pytest.mark.parametrize(
    ("command", "amount"),
    [
        ("pexpire", INT64_MAX - NOW * 1000),
        ("expireat", INT64_MAX // 1000),
        ("pexpireat", INT64_MAX),
    ],
)
def test_what_64_bits_can_just_hold_is_accepted(command: str, amount: int) -> None:
    """And far away."""
    node = node_with_key()
    assert node.run(command, "k", amount) == 1
    assert node.run("PTTL", "k") > 2**62


def test_a_number_is_needed() -> None:
    """A whole one."""
    error = ErrorReply("ERR value is not an integer or out of range")
    assert node_with_key().run("EXPIRE", "k", "1.5") == error


def test_persist_takes_the_deadline_away() -> None:
    """Once."""
    node = node_with_key(left_ms=100)
    assert [node.run("PERSIST", "k") for _ in "12"] == [1, 0]
    assert (node.run("PTTL", "k"), node.run("PERSIST", "none")) == (-1, 0)
