"""The parser's invariant: any bytes give commands, or `ProtocolError`, and the same ones however
they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcloud.resp import Limits, Parser

from .strategies import arguments, streams
from .support import PARSERS, command, outcome, parse, single_bytes

pytestmark = pytest.mark.parametrize("parser_class", PARSERS)

small_limits = st.builds(
    Limits,
    bulk_bytes_max=st.sampled_from([4, 16, 512]),
    arguments_max=st.sampled_from([1, 3, 1024]),
    inline_bytes_max=st.sampled_from([4, 8, 32]),
)


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """The stream in pieces, cut at these places, taken modulo its length."""
    stops = sorted({place % (len(stream) + 1) for place in places})
    return [
        stream[start:stop] for start, stop in zip([0, *stops], [*stops, len(stream)], strict=True)
    ]


@given(commands=st.lists(arguments, max_size=5), places=st.lists(st.integers(0, 20000), max_size=8))
def test_what_was_sent_comes_out(
    parser_class: type[Parser], commands: list[list[bytes]], places: list[int]
) -> None:
    """Whatever the arguments and the pieces."""
    stream = b"".join(command(*each) for each in commands)
    assert (commands, None) == outcome(parser_class(), cut(stream, places))


@settings(max_examples=500)
@given(stream=streams, places=st.lists(st.integers(0, 20000), max_size=8))
def test_cuts_change_nothing(parser_class: type[Parser], stream: bytes, places: list[int]) -> None:
    """The commands and the error are those of the bytes, not of their arrival."""
    assert parse(stream) == outcome(parser_class(), cut(stream, places))


@settings(max_examples=500)
@given(stream=streams, limits=small_limits)
def test_cuts_change_nothing_near_the_limits(
    parser_class: type[Parser], stream: bytes, limits: Limits
) -> None:
    """With limits of a few bytes, each of them is met."""
    assert parse(stream, limits) == outcome(parser_class(limits), single_bytes(stream))


@given(stream=streams)
def test_no_more_is_held_than_was_sent(parser_class: type[Parser], stream: bytes) -> None:
    """A claim of many bytes must not count as bytes."""
    parser = parser_class()
    outcome(parser, [stream])
    assert 0 <= parser.buffered_bytes <= len(stream)
