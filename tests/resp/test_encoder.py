"""Replies to bytes, in both protocols."""

from __future__ import annotations

from collections import UserDict, UserList
from enum import IntEnum, StrEnum
from typing import NamedTuple, cast

import pytest

from memcloud.resp import (
    NULL_ARRAY,
    Attribute,
    BigNumber,
    ErrorReply,
    Push,
    Raw,
    Reply,
    SetReply,
    Verbatim,
    encode,
    encode_request,
)


class Answer(IntEnum):
    """A number with a name."""

    YES = 42


class Word(StrEnum):
    """A text with a name."""

    OK = "fine"


class Pair(NamedTuple):
    """A tuple with names."""

    first: bytes
    second: int


CASES: list[tuple[Reply, bytes, bytes]] = [
    (None, b"$-1\r\n", b"_\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (True, b":1\r\n", b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    (0, b":0\r\n", b":0\r\n"),
    (-1, b":-1\r\n", b":-1\r\n"),
    (1023, b":1023\r\n", b":1023\r\n"),
    (1024, b":1024\r\n", b":1024\r\n"),
    (-(2**63), b":-9223372036854775808\r\n", b":-9223372036854775808\r\n"),
    (3.25, b"$4\r\n3.25\r\n", b",3.25\r\n"),
    (5.0, b"$1\r\n5\r\n", b",5\r\n"),
    (-0.0, b"$2\r\n-0\r\n", b",-0\r\n"),
    (0.1, b"$19\r\n0.10000000000000001\r\n", b",0.10000000000000001\r\n"),
    (1e17, b"$5\r\n1e+17\r\n", b",1e+17\r\n"),
    (float("inf"), b"$3\r\ninf\r\n", b",inf\r\n"),
    (float("-inf"), b"$4\r\n-inf\r\n", b",-inf\r\n"),
    (float("nan"), b"$3\r\nnan\r\n", b",nan\r\n"),
    (b"", b"$0\r\n\r\n", b"$0\r\n\r\n"),
    (b"a\r\n\0", b"$4\r\na\r\n\0\r\n", b"$4\r\na\r\n\0\r\n"),
    ("OK", b"+OK\r\n", b"+OK\r\n"),
    ("", b"+\r\n", b"+\r\n"),
    ("héllo", "+héllo\r\n".encode(), "+héllo\r\n".encode()),
    (ErrorReply("ERR no"), b"-ERR no\r\n", b"-ERR no\r\n"),
    ([], b"*0\r\n", b"*0\r\n"),
    ([b"a", 1, None], b"*3\r\n$1\r\na\r\n:1\r\n$-1\r\n", b"*3\r\n$1\r\na\r\n:1\r\n_\r\n"),
    ((b"a", ("OK",)), b"*2\r\n$1\r\na\r\n*1\r\n+OK\r\n", b"*2\r\n$1\r\na\r\n*1\r\n+OK\r\n"),
    ({}, b"*0\r\n", b"%0\r\n"),
    (
        {b"k": 1, "s": [True]},
        b"*4\r\n$1\r\nk\r\n:1\r\n+s\r\n*1\r\n:1\r\n",
        b"%2\r\n$1\r\nk\r\n:1\r\n+s\r\n*1\r\n#t\r\n",
    ),
    (SetReply([b"a", 2]), b"*2\r\n$1\r\na\r\n:2\r\n", b"~2\r\n$1\r\na\r\n:2\r\n"),
    (
        Push([b"x", None]),
        b"*2\r\n$1\r\nx\r\n$-1\r\n",
        b">2\r\n$1\r\nx\r\n_\r\n",
    ),
    (Verbatim("txt", b"hi\r\n"), b"$4\r\nhi\r\n\r\n", b"=8\r\ntxt:hi\r\n\r\n"),
    (BigNumber(-(10**30)), b"$32\r\n-1%b\r\n" % (b"0" * 30), b"(-1%b\r\n" % (b"0" * 30)),
    (Attribute({"ttl": 5}, b"v"), b"$1\r\nv\r\n", b"|1\r\n+ttl\r\n:5\r\n$1\r\nv\r\n"),
    (Raw(b":1\r\n+OK\r\n"), b":1\r\n+OK\r\n", b":1\r\n+OK\r\n"),
    ([Raw(b":1\r\n"), 2], b"*2\r\n:1\r\n:2\r\n", b"*2\r\n:1\r\n:2\r\n"),
    (Answer.YES, b":42\r\n", b":42\r\n"),
    (Word.OK, b"+fine\r\n", b"+fine\r\n"),
    (Pair(b"a", 1), b"*2\r\n$1\r\na\r\n:1\r\n", b"*2\r\n$1\r\na\r\n:1\r\n"),
    (UserDict({b"k": 1}), b"*2\r\n$1\r\nk\r\n:1\r\n", b"%1\r\n$1\r\nk\r\n:1\r\n"),
    (UserList([1]), b"*1\r\n:1\r\n", b"*1\r\n:1\r\n"),
]


@pytest.mark.parametrize(("reply", "resp2", "resp3"), CASES)
def test_a_reply_is_written_as_redis_writes_it(reply: Reply, resp2: bytes, resp3: bytes) -> None:
    """What RESP2 has no type for comes as the nearest one that it has."""
    assert resp2 == encode(reply, 2)
    assert resp3 == encode(reply, 3)


@pytest.mark.parametrize(("reply", "resp2", "resp3"), CASES)
def test_it_is_written_the_same_inside_another(reply: Reply, resp2: bytes, resp3: bytes) -> None:
    """The quick ways are for the outermost reply only."""
    for protocol, text in (2, resp2), (3, resp3):
        assert b"*1\r\n" + text == encode([reply], protocol)
        assert (b"*1\r\n" if protocol == 2 else b"~1\r\n") + text == encode(
            SetReply([reply]), protocol
        )


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("make", [ErrorReply, str])
def test_a_text_cannot_forge_a_reply(make: type[ErrorReply] | type[str], protocol: int) -> None:
    """Errors quote what a client sent."""
    line = encode(make("ERR unknown command 'foo\r\n+OK\r\n\0'"), protocol)
    assert line[1:] == b"ERR unknown command 'foo  +OK   '\r\n"


def test_bytes_that_are_no_text_come_out_as_they_came_in() -> None:
    """An error that quotes a key must quote its bytes."""
    assert encode(ErrorReply(b"ERR \xff".decode("utf-8", "surrogateescape")), 2) == b"-ERR \xff\r\n"


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j])
def test_what_is_no_reply_is_refused(value: object) -> None:
    """A set has no order; `SetReply` says which one."""
    with pytest.raises(TypeError, match="no reply"):
        encode(cast(Reply, value), 3)
    with pytest.raises(TypeError, match="no reply"):
        encode([cast(Reply, value)], 3)


@pytest.mark.parametrize("count", range(6))
def test_a_request_is_an_array_of_its_arguments(count: int) -> None:
    """As clients send it, whatever the number and the bytes."""
    arguments = [b"SET", b"", b"two\r\nlines", b"\0", b"\xff" * 300][:count]
    assert encode(arguments, 2) == encode_request(arguments)
