"""The native parser is the readable one, however bytes come and whatever is done in between."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from memcloud.resp import Limits

from .side_by_side import WAYS, Step, compare
from .strategies import streams
from .streams import NAMES, stream
from .support import LONG_BYTES, command, halves

# A header that is longer than a line may be is another matter to the plain parser's quick look.
limits = st.builds(
    Limits,
    bulk_bytes_max=st.sampled_from([4, 16, 512, 16384, 2**29, 2**63 - 1]),
    arguments_max=st.sampled_from([1, 3, 10, 1024, 2**63 - 1]),
    inline_bytes_max=st.sampled_from([24, 100, 65536]),
)
steps = st.builds(
    Step,
    piece=streams,
    way=st.sampled_from(WAYS),
    takes=st.one_of(st.none(), st.integers(0, 2)),
    limits=st.one_of(st.none(), limits),
)


def in_steps(whole: bytes, places: list[int], ways: list[str]) -> list[Step]:
    """The bytes cut at these places, taken modulo their number, in these ways by turns."""
    stops = sorted({place % (len(whole) + 1) for place in places})
    spans = zip([0, *stops], [*stops, len(whole)], strict=True)
    return [Step(whole[a:b], ways[number % len(ways)]) for number, (a, b) in enumerate(spans)]


@settings(max_examples=500)
@given(steps=st.lists(steps, max_size=8))
def test_whatever_comes_gives_the_same(steps: list[Step]) -> None:
    """Valid, nearly so or not at all, with limits that change as by AUTH and CONFIG SET."""
    compare(steps)


@settings(max_examples=300)
@given(
    whole=streams,
    places=st.lists(st.integers(0, 20000), max_size=8),
    ways=st.lists(st.sampled_from(WAYS), min_size=1, max_size=3),
)
def test_cuts_and_ways_give_the_same(whole: bytes, places: list[int], ways: list[str]) -> None:
    """Each way has its own place for the bytes; what is left over moves between them."""
    compare(in_steps(whole, places, ways))


def test_a_cut_anywhere_gives_the_same() -> None:
    """Of every stream that we know, in every pair of ways."""
    for name in NAMES:
        for pieces in halves(stream(name)):
            for way in WAYS:
                compare([Step(piece, way) for piece in pieces])
                compare([Step(pieces[0], way), Step(pieces[1], "bytes")])


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(65534, 300_000),
    places=st.lists(st.integers(0, 300_100), max_size=8),
    ways=st.lists(st.sampled_from(WAYS), min_size=1, max_size=3),
    rest=streams,
)
def test_a_large_argument_gives_the_same(
    length: int, places: list[int], ways: list[str], rest: bytes
) -> None:
    """It has a way of its own to its final place."""
    value = bytes(range(256)) * (length // 256) + b"v" * (length % 256)
    compare(in_steps(command(b"SET", value, b"k") + rest, places, ways))


def test_every_cut_in_a_header_of_a_large_argument_gives_the_same() -> None:
    """Where its bytes begin and where they end is where a count could be off by one."""
    whole = command(b"SET", b"k" * 65536, b"v" * 65537)
    header = len(b"*3\r\n$3\r\nSET\r\n$65536\r\n")
    turn = header + 65536
    near = [*range(header + 3), *range(turn - 3, turn + 14), *range(len(whole) - 4, len(whole))]
    assert len(whole) > LONG_BYTES
    for way in WAYS:
        for place in near:
            compare(in_steps(whole, [place], [way]))
            compare(in_steps(whole, [place, place + 1, place + 2], [way]))
