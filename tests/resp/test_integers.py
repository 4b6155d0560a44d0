"""One spelling to a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.resp.integers import INT64_MAX, INT64_MIN, parse_integer


@given(st.integers(INT64_MIN, INT64_MAX))
def test_every_64_bit_number_is_read(number: int) -> None:
    """As it is written without ornament."""
    assert number == parse_integer(b"%d" % number)


@pytest.mark.parametrize("number", [INT64_MIN - 1, INT64_MAX + 1, 10**18 * 10, -(10**30)])
def test_a_number_of_more_bits_is_none(number: int) -> None:
    """The native parser has 64 bits."""
    assert parse_integer(b"%d" % number) is None


@pytest.mark.parametrize(
    "text",
    [b"", b"-", b"+1", b"01", b"-0", b"-01", b"--1", b" 1", b"1 ", b"1_0", b"1.0", b"0x1", b"\xb2"],
)
def test_another_spelling_is_none(text: bytes) -> None:
    """int() would read some of them."""
    assert parse_integer(text) is None


@given(st.binary(max_size=24))
def test_what_is_read_is_spelled_so(text: bytes) -> None:
    """No two texts are the same number."""
    number = parse_integer(text)
    assert number is None or text == b"%d" % number


def test_a_long_text_is_not_converted() -> None:
    """int() needs quadratic time, and raises for more than 4300 digits."""
    assert parse_integer(b"1" * 1_000_000) is None
