"""Replies from bytes: whole, in all pieces, followed by more, and broken."""

from __future__ import annotations

import math

import pytest

from memcloud.resp import (
    INCOMPLETE,
    NULL_ARRAY,
    Attribute,
    BigNumber,
    Decoder,
    ErrorReply,
    ProtocolError,
    Push,
    Reply,
    ReplyLimits,
    SetReply,
    Verbatim,
    decode,
)

from .support import halves, single_bytes

GOOD: list[tuple[bytes, Reply]] = [
    (b"+OK\r\n", "OK"),
    (b"+\r\n", ""),
    (b"-ERR no such key\r\n", ErrorReply("ERR no such key")),
    (b"!10\r\nSYNTAX a\r\n\r\n", ErrorReply("SYNTAX a\r\n")),
    (b":0\r\n", 0),
    (b":-5\r\n", -5),
    (b":+5\r\n", 5),
    (b"$0\r\n\r\n", b""),
    (b"$5\r\na\r\n$b\r\n", b"a\r\n$b"),
    (b"$1025\r\n" + b"x" * 1025 + b"\r\n", b"x" * 1025),
    (b"$-1\r\n", None),
    (b"*-1\r\n", NULL_ARRAY),
    (b"_\r\n", None),
    (b"#t\r\n", True),
    (b"#f\r\n", False),
    (b",3.25\r\n", 3.25),
    (b",-1e-7\r\n", -1e-7),
    (b",5\r\n", 5.0),
    (b",inf\r\n", math.inf),
    (b",-inf\r\n", -math.inf),
    (b"(-123456789012345678901234567890\r\n", BigNumber(-123456789012345678901234567890)),
    (b"=8\r\ntxt:hi\r\n\r\n", Verbatim("txt", b"hi\r\n")),
    (b"*0\r\n", []),
    (b"*3\r\n$1\r\na\r\n*2\r\n:1\r\n*0\r\n_\r\n", [b"a", [1, []], None]),
    (b"~2\r\n+a\r\n:1\r\n", SetReply(["a", 1])),
    (b">2\r\n+pong\r\n$0\r\n\r\n", Push(["pong", b""])),
    (b"%0\r\n", {}),
    (b"%2\r\n$1\r\na\r\n:1\r\n+b\r\n%1\r\n:1\r\n#t\r\n", {b"a": 1, "b": {1: True}}),
    (b"%1\r\n*1\r\n:1\r\n:2\r\n", [[[1], 2]]),
    (b"%2\r\n:1\r\n+a\r\n#t\r\n+b\r\n", [[1, "a"], [True, "b"]]),
    (b"|1\r\n+ttl\r\n:5\r\n$1\r\nv\r\n", Attribute({"ttl": 5}, b"v")),
    (b"|0\r\n*1\r\n|1\r\n+a\r\n:1\r\n:2\r\n", Attribute({}, [Attribute({"a": 1}, 2)])),
]

BAD: list[bytes] = [
    b"\r\n",
    b"OK\r\n",
    b"?1\r\n",
    b"+OK\n",
    b":\r\n",
    b":1.5\r\n",
    b":+-1\r\n",
    b":++1\r\n",
    b":9223372036854775808\r\n",
    b"$x\r\n",
    b"$-2\r\n",
    b"$?\r\n",
    b"$536870913\r\n",
    b"$3\r\nabcd\r\n",
    b"$3\r\nabc\n\r",
    b"$2000\r\n" + b"x" * 2003,
    b"!-1\r\n",
    b"=-1\r\n",
    b"=3\r\ntxt\r\n",
    b"=5\r\nabcde\r\n",
    b"*-2\r\n",
    b"*?\r\n",
    b"*2147483648\r\n",
    b"%-1\r\n",
    b"~-1\r\n",
    b"#\r\n",
    b"#true\r\n",
    b"_x\r\n",
    b",\r\n",
    b",infinity\r\n",
    b",1_0\r\n",
    b",.5\r\n",
    b", 1\r\n",
    b"(1.5\r\n",
    b"(" + b"1" * 5000 + b"\r\n",
    b"|1\r\n*0\r\n:1\r\n:2\r\n",
    b"*1\r\n" * 129,
    b"+" + b"x" * 70000,
    b"*2\r\n:1\r\nx\r\n",
]


@pytest.mark.parametrize(("data", "reply"), GOOD)
def test_a_reply_is_read_as_its_type_says(data: bytes, reply: Reply) -> None:
    """1 and true are equal in Python, but not in RESP3: their spelling is compared too."""
    assert repr(reply) == repr(decode(data))


@pytest.mark.parametrize(("data", "reply"), GOOD)
def test_a_cut_anywhere_changes_nothing(data: bytes, reply: Reply) -> None:
    """TCP cuts where it likes."""
    for pieces in (*halves(data), single_bytes(data)):
        decoder = Decoder()
        taken = []
        for piece in pieces:
            decoder.feed(piece)
            taken.append(decoder.take())
        assert [repr(reply)] == [repr(each) for each in taken if each is not INCOMPLETE]


@pytest.mark.parametrize(("data", "reply"), GOOD)
def test_what_follows_is_the_next_reply(data: bytes, reply: Reply) -> None:
    """Pipelined replies come in one piece."""
    decoder = Decoder()
    decoder.feed(data + b"$-1\r\n" + data[:-1])
    assert [repr(reply), "None"] == [repr(decoder.take()), repr(decoder.take())]
    assert decoder.take() is INCOMPLETE
    with pytest.raises(ProtocolError, match="more than one reply"):
        decode(data + b"+")


@pytest.mark.parametrize("data", [data for data, _ in GOOD])
def test_a_part_is_incomplete(data: bytes) -> None:
    """Not None, which is a reply."""
    for part, _ in list(halves(data))[:-1]:
        with pytest.raises(ProtocolError, match="incomplete reply"):
            decode(part)


@pytest.mark.parametrize("data", BAD)
def test_what_is_no_reply_is_an_error_ever_after(data: bytes) -> None:
    """What is out of step would answer other questions."""
    decoder = Decoder()
    decoder.feed(data)
    for _ in range(2):
        with pytest.raises(ProtocolError):
            decoder.take()
        decoder.feed(b"+OK\r\n")
    assert decoder.buffered_bytes == 0


@pytest.mark.parametrize("data", [data for data in BAD if len(data) < 100])
def test_an_error_is_found_byte_by_byte(data: bytes) -> None:
    """The same as in one piece."""
    decoder = Decoder()

    def feed_all() -> None:
        for byte in single_bytes(data):
            decoder.feed(byte)
            decoder.take()

    with pytest.raises(ProtocolError):
        feed_all()


def test_nan_is_read() -> None:
    """It is not equal to itself, so that it has a test of its own."""
    for text in b",nan\r\n", b",-nan\r\n":
        reply = decode(text)
        assert isinstance(reply, float)
        assert math.isnan(reply)


def test_limits_are_those_that_were_given() -> None:
    """A gateway asks less of a peer than 512 MiB."""
    limits = ReplyLimits(bulk_bytes_max=3, elements_max=2, depth_max=1, line_bytes_max=8)
    for data in b"$3\r\nabc\r\n", b"*2\r\n:1\r\n:2\r\n", b"%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n":
        decoder = Decoder(limits)
        decoder.feed(data)
        assert decode(data) == decoder.take()
    for data in b"$4\r\n", b"*3\r\n", b"%3\r\n", b"*1\r\n*0\r\n", b"+12345678", b"$4\r\nabcd\r\n":
        decoder = Decoder(limits)
        decoder.feed(data)
        with pytest.raises(ProtocolError):
            decoder.take()


def test_128_levels_are_read() -> None:
    """As many as the limit says."""
    reply = decode(b"*1\r\n" * 128 + b":7\r\n")
    for _ in range(128):
        assert isinstance(reply, list)
        [reply] = reply
    assert reply == 7
