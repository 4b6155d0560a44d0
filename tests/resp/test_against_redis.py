"""The codec beside a real redis-server: what it reads in a stream and how it spells a reply."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from memcloud.resp import (
    INCOMPLETE,
    NULL_ARRAY,
    UNAUTHENTICATED_ARGUMENTS_MAX,
    UNAUTHENTICATED_BULK_BYTES_MAX,
    Attribute,
    BigNumber,
    Decoder,
    ErrorReply,
    Limits,
    Push,
    Reply,
    SetReply,
    Verbatim,
    decode,
    encode,
)
from memcloud.resp._parser_py import Parser

from ..redis_server import RedisServer
from .strategies import streams
from .streams import BAD, NAMES, stream
from .support import command, outcome


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A server that shows its RESP types."""
    with RedisServer(["--enable-debug-command", "yes"]) as server:
        yield server


@pytest.fixture(scope="module")
def guarded_redis() -> Iterator[RedisServer]:
    """A server with a password."""
    with RedisServer(["--requirepass", "secret"]) as server:
        yield server


def read_to_end(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(server: RedisServer, sent: bytes) -> list[Reply]:
    """What a server replies to ``sent``, after which nothing more is sent."""
    with server.connect() as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return replies_in(read_to_end(connection))


def replies_in(data: bytes) -> list[Reply]:
    """The replies that ``data`` is made of."""
    decoder = Decoder()
    decoder.feed(data)
    found: list[Reply] = []
    while (reply := decoder.take()) is not INCOMPLETE:
        found.append(reply)
    assert decoder.buffered_bytes == 0
    return found


def check(server: RedisServer, sent: bytes, limits: Limits | None = None) -> None:
    """Redis answers as many commands as we find, with what they say, and then our error."""
    commands, error = outcome(Parser(limits), [sent])
    replies = ask(server, sent)
    if error is not None:
        assert replies.pop() == decode(encode(ErrorReply(f"ERR {error}"), 2))
    assert len(replies) == len(commands)
    for arguments, reply in zip(commands, replies, strict=True):
        if arguments == [b"PING"]:
            assert reply == "PONG"
        elif len(arguments) == 2 and arguments[0] == b"ECHO":
            assert reply == arguments[1]


@pytest.mark.parametrize("name", NAMES)
def test_redis_reads_the_same(redis: RedisServer, name: str) -> None:
    """What the other tests expect is not our invention."""
    check(redis, stream(name))


@pytest.mark.parametrize("name", BAD)
def test_redis_closes_after_an_error(redis: RedisServer, name: str) -> None:
    """It does, without waiting for us to close."""
    with redis.connect() as connection:
        connection.sendall(stream(name))
        assert isinstance(replies_in(read_to_end(connection))[-1], ErrorReply)


@settings(max_examples=300, deadline=None)
@given(sent=streams)
def test_redis_reads_any_bytes_the_same(redis: RedisServer, sent: bytes) -> None:
    """Nobody thinks of all cases."""
    check(redis, sent)


@pytest.mark.parametrize(
    "sent",
    [
        b"*11\r\n",
        b"*1048576\r\n",
        b"*2147483648\r\n",
        b"*2\r\n$4\r\nECHO\r\n$16385\r\n",
        b"*1\r\n$536870912\r\n",
        b"*1\r\n$536870913\r\n",
        command(*[b"a"] * 10),
        command(b"ECHO", b"x" * 16384)[:-2],
    ],
)
def test_redis_grants_as_little_to_a_stranger(guarded_redis: RedisServer, sent: bytes) -> None:
    """Memory is for those who have the password."""
    limits = Limits(
        arguments_max=UNAUTHENTICATED_ARGUMENTS_MAX,
        bulk_bytes_max=UNAUTHENTICATED_BULK_BYTES_MAX,
    )
    check(guarded_redis, sent, limits)


def test_redis_applies_new_limits_within_a_pipeline(guarded_redis: RedisServer) -> None:
    """So a command is parsed when the one in front of it has been done."""
    sent = command(b"AUTH", b"secret") + command(b"ECHO", b"x" * 16385)
    assert ask(guarded_redis, sent) == ["OK", b"x" * 16385]


BEHIND = b"Some real reply following the %b"

SAMPLES: list[tuple[str, Reply]] = [
    ("string", b"Hello World"),
    ("integer", 12345),
    ("double", 3.141),
    ("null", None),
    ("array", [0, 1, 2]),
    ("set", SetReply([0, 1, 2])),
    ("map", {0: False, 1: True, 2: False}),
    (
        "attrib",
        Attribute({b"key-popularity": [b"key:123", 90]}, BEHIND % b"attribute"),
    ),
    ("bignum", BigNumber(1234567999999999999999999999999999999)),
    ("verbatim", Verbatim("txt", b"This is a verbatim\nstring")),
    ("true", True),
    ("false", False),
]


def spelled(server: RedisServer, protocol: int, *requests: bytes) -> bytes:
    """The reply to the last request, as it comes over the wire in this protocol."""
    with server.connect() as connection:
        hello = command(b"HELLO", b"%d" % protocol)
        connection.sendall(hello + b"".join(requests))
        connection.shutdown(socket.SHUT_WR)
        data = read_to_end(connection)
    decoder = Decoder()
    decoder.feed(data)
    for _ in requests:
        assert decoder.take() is not INCOMPLETE
    return data[len(data) - decoder.buffered_bytes :]


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(("kind", "reply"), SAMPLES)
def test_redis_spells_each_type_the_same(
    redis: RedisServer, protocol: int, kind: str, reply: Reply
) -> None:
    """Its DEBUG PROTOCOL shows them all."""
    request = command(b"DEBUG", b"PROTOCOL", kind.encode())
    wire = spelled(redis, protocol, request)
    assert wire == encode(reply, protocol)
    if protocol == 3:
        assert repr(decode(wire)) == repr(reply)


def test_redis_spells_a_push_the_same(redis: RedisServer) -> None:
    """In RESP2 it has none; the reply comes behind it."""
    push = Push([b"server-cpu-usage", 42])
    wire = spelled(redis, 3, command(b"DEBUG", b"PROTOCOL", b"push"))
    assert wire == encode(push, 3) + encode(BEHIND % b"push reply", 3)


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_spells_nulls_the_same(redis: RedisServer, protocol: int) -> None:
    """There are two of them in RESP2."""
    assert spelled(redis, protocol, command(b"GET", b"nothing")) == encode(None, protocol)
    many = spelled(redis, protocol, command(b"LPOP", b"nothing", b"1"))
    assert many == encode(NULL_ARRAY, protocol)


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize(
    "number", [0.1, 3.25, 5.0, -0.5, 1e16, 1e17, 1e300, 1e-7, 123456789.123, 5e-324, -1e22]
)
def test_redis_spells_doubles_the_same(redis: RedisServer, protocol: int, number: float) -> None:
    """Scores are compared as text by some clients."""
    add = command(b"ZADD", b"scores", repr(number).encode(), b"member")
    assert encode(number, protocol) == spelled(
        redis, protocol, add, command(b"ZSCORE", b"scores", b"member")
    )
