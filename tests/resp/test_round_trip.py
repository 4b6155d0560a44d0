"""What is written is what is read."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from memcloud.resp import (
    INCOMPLETE,
    NULL_ARRAY,
    Attribute,
    BigNumber,
    Decoder,
    ErrorReply,
    NullArray,
    ProtocolError,
    Push,
    Raw,
    Reply,
    SetReply,
    Verbatim,
    decode,
    encode,
)

# Any text; what would end a line becomes a blank, so that it does not come back.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=8)
integers = st.integers(-(2**63), 2**63 - 1)
forms = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=3)

scalars: st.SearchStrategy[Reply] = st.one_of(
    st.none(),
    st.booleans(),
    integers,
    st.floats(allow_nan=False),
    st.binary(max_size=12),
    texts,
    texts.map(ErrorReply),
    st.builds(Verbatim, forms, st.binary(max_size=8)),
    st.integers(-(10**40), 10**40).map(BigNumber),
)


def containers(inner: st.SearchStrategy[Reply]) -> st.SearchStrategy[Reply]:
    """Replies that hold replies."""
    lists = st.lists(inner, max_size=4)
    mappings = st.dictionaries(scalars, inner, max_size=3)
    return st.one_of(
        lists,
        lists.map(SetReply),
        lists.map(Push),
        mappings,
        st.builds(Attribute, st.dictionaries(scalars, inner, max_size=2), inner),
    )


replies: st.SearchStrategy[Reply] = st.recursive(scalars, containers, max_leaves=12)


def flattened(reply: Reply) -> Reply:
    """What RESP2 leaves of a reply, as types.py tells it."""
    match reply:
        case bool():
            return int(reply)
        case float():
            return b"%.17g" % reply
        case BigNumber():
            return b"%d" % reply.value
        case Verbatim():
            return reply.data
        case Attribute():
            return flattened(reply.value)
        case dict():
            return [flattened(each) for pair in reply.items() for each in pair]
        case SetReply() | Push():
            return [flattened(each) for each in reply.items]
        case list():
            return [flattened(each) for each in reply]
    return reply


@settings(max_examples=300)
@given(replies)
def test_resp3_keeps_all(reply: Reply) -> None:
    """Types included, so that the spelling is compared: 1 equals True and 1.0."""
    assert repr(reply) == repr(decode(encode(reply, 3)))


@settings(max_examples=300)
@given(replies)
def test_resp2_keeps_what_it_has_types_for(reply: Reply) -> None:
    """The rest comes flat."""
    assert repr(flattened(reply)) == repr(decode(encode(reply, 2)))


@given(st.floats())
def test_a_double_comes_back_to_the_last_bit(number: float) -> None:
    """17 digits are enough for each."""
    back = decode(encode(number, 3))
    assert isinstance(back, float)
    assert math.isnan(back) if math.isnan(number) else number.hex() == back.hex()


def test_the_two_nulls_are_one_in_resp3() -> None:
    """RESP2 alone tells them apart."""
    assert isinstance(decode(encode(NULL_ARRAY, 2)), NullArray)
    assert decode(encode(None, 2)) is None
    assert decode(encode(NULL_ARRAY, 3)) is None


@given(st.lists(replies, max_size=4))
def test_replies_of_a_pipeline_come_one_by_one(many: list[Reply]) -> None:
    """Raw ones as well."""
    decoder = Decoder()
    decoder.feed(encode(Raw(b"".join(encode(each, 3) for each in many)), 3))
    assert [repr(each) for each in many] == [repr(decoder.take()) for _ in many]
    assert decoder.take() is INCOMPLETE


@given(st.text())
def test_a_text_is_one_line_whatever_it_holds(text: str) -> None:
    """Also with surrogates, as long as they stand for bytes."""
    clean = text.encode("utf-8", "ignore").decode("utf-8", "ignore")
    line = encode(ErrorReply(clean), 2)
    assert line.count(b"\n") == line.count(b"\r") == 1
    assert b"\0" not in line


fragments = st.one_of(
    replies.map(lambda reply: encode(reply, 3)),
    st.sampled_from(
        [
            b"*2\r\n",
            b"%1\r\n",
            b"|1\r\n",
            b"~1\r\n",
            b"$3\r\n",
            b"=5\r\n",
            b"!1\r\n",
            b"\r\n",
            b"$-1\r\n",
        ]
    ),
    st.binary(max_size=6),
)


@settings(max_examples=300)
@given(st.lists(fragments, max_size=6).map(b"".join))
def test_any_bytes_give_the_same_however_they_are_cut(stream: bytes) -> None:
    """Replies, or `ProtocolError`."""
    assert taken([stream]) == taken([stream[index : index + 1] for index in range(len(stream))])


def taken(pieces: list[bytes]) -> tuple[list[str], str | None]:
    """What comes out, and the error that ended it, if one did."""
    decoder = Decoder()
    found: list[str] = []
    try:
        for piece in pieces:
            decoder.feed(piece)
            while (reply := decoder.take()) is not INCOMPLETE:
                found.append(repr(reply))
    except ProtocolError as error:
        return found, str(error)
    return found, None
