"""INCR and its kin; the arithmetic of INCRBYFLOAT is in test_long_double.py."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.resp import ErrorReply

from .support import LocalNode

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
OVERFLOW = ErrorReply("ERR increment or decrement would overflow")
NOT_AN_INTEGER = ErrorReply("ERR value is not an integer or out of range")
NOT_A_FLOAT = ErrorReply("ERR value is not a valid float")


def node_with(value: Any) -> LocalNode:
    """Return a node with one string."""
    node = LocalNode()
    node.run("SET", "n", value)
    return node


def test_counting_begins_at_zero() -> None:
    """Each of them makes its key."""
    node = LocalNode()
    assert node.run("INCR", "a") == 1
    assert node.run("DECR", "b") == -1
    assert node.run("INCRBY", "c", 7) == 7
    assert node.run("DECRBY", "d", 7) == -7
    assert node.run("INCRBYFLOAT", "e", "0.5") == b"0.5"
    assert node.run("MGET", *"abcde") == [b"1", b"-1", b"7", b"-7", b"0.5"]


@given(st.integers(INT64_MIN, INT64_MAX), st.integers(INT64_MIN, INT64_MAX))
def test_sums_stay_within_64_bits(value: int, amount: int) -> None:
    """One that would not is refused, and the number stays."""
    node = node_with(value)
    total = value + amount
    fits = INT64_MIN <= total <= INT64_MAX
    assert node.run("INCRBY", "n", amount) == (total if fits else OVERFLOW)
    assert node.run("GET", "n") == b"%d" % (total if fits else value)


def test_counting_stops_at_both_ends() -> None:
    """The last number is reached, and not passed."""
    node = node_with(INT64_MAX - 1)
    assert [node.run("INCR", "n") for _ in "12"] == [INT64_MAX, OVERFLOW]
    node = node_with(INT64_MIN + 1)
    assert [node.run("DECR", "n") for _ in "12"] == [INT64_MIN, OVERFLOW]


def test_decrby_of_the_least_number_has_an_error_of_its_own() -> None:
    """It has no opposite."""
    error = ErrorReply("ERR decrement would overflow")
    assert LocalNode().run("DECRBY", "n", INT64_MIN) == error


@pytest.mark.parametrize("value", ["", "abc", " 1", "1 ", "01", "+1", "1.0", "1e3", 2**63])
def test_only_integers_can_be_counted(value: Any) -> None:
    """In the key as in the argument."""
    node = node_with(value)
    assert node.run("INCR", "n") == NOT_AN_INTEGER
    assert node.run("DECRBY", "other", value) == NOT_AN_INTEGER
    assert node.run("EXISTS", "other") == 0


def test_counting_keeps_the_deadline() -> None:
    """The key is changed, not made anew."""
    node = node_with(1)
    node.run("EXPIRE", "n", 100)
    node.run("INCR", "n")
    node.run("INCRBYFLOAT", "n", "1.5")
    assert (node.run("GET", "n"), node.run("TTL", "n")) == (b"3.5", 100)


@pytest.mark.parametrize("word", ["", "abc", " 1", "nan", "1,5"])
def test_only_numbers_can_be_added(word: str) -> None:
    """In the key as in the argument."""
    node = node_with(word)
    assert node.run("INCRBYFLOAT", "n", 1) == NOT_A_FLOAT
    assert node.run("INCRBYFLOAT", "other", word) == NOT_A_FLOAT
