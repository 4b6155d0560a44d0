"""Integers: one spelling each, 64 bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.commands.numbers import INT64_MAX, INT64_MIN, is_integer, parse_int32, parse_integer
from memcloud.errors import CommandError, NotAnIntegerError


@given(st.integers(INT64_MIN, INT64_MAX))
def test_every_integer_of_64_bits_is_read(number: int) -> None:
    """In the form in which INCR writes it."""
    assert parse_integer(b"%d" % number) == number


@given(st.integers(max_value=INT64_MIN - 1) | st.integers(min_value=INT64_MAX + 1))
def test_larger_ones_are_refused(number: int) -> None:
    """They would not fit where Redis keeps them."""
    with pytest.raises(NotAnIntegerError):
        parse_integer(b"%d" % number)


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"-", b"+1", b"01", b"-0", b"--1", b" 1", b"1 ", b"1\n", b"1_0", b"1.0", b"0x1"),
        *(b"\xb2", "\u0663".encode(), b"1\x00"),
    ],
)
def test_other_spellings_are_no_integers(text: bytes) -> None:
    """What Python's int() takes beyond digits, Redis does not."""
    assert not is_integer(text)
    with pytest.raises(NotAnIntegerError, match="ERR value is not an integer or out of range"):
        parse_integer(text)


@pytest.mark.parametrize("number", [-(2**31), 0, 2**31 - 1])
def test_32_bits_are_read(number: int) -> None:
    """Up to both ends."""
    assert parse_int32(b"%d" % number) == number


@pytest.mark.parametrize("number", [-(2**31) - 1, 2**31])
def test_more_than_32_bits_are_refused_in_other_words(number: int) -> None:
    """Redis names the range there."""
    with pytest.raises(CommandError, match="must between -2147483648 and 2147483647"):
        parse_int32(b"%d" % number)
