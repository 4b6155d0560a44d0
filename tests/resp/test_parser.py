"""Requests: each stream whole, in all pieces, and followed by more."""

from __future__ import annotations

import pytest

from memcloud.resp import (
    UNAUTHENTICATED_ARGUMENTS_MAX,
    UNAUTHENTICATED_BULK_BYTES_MAX,
    Limits,
    Parser,
    ProtocolError,
)

from .streams import BAD, INVALID_COUNT, INVALID_LENGTH, NAMES, PING, WHOLE, expected, stream
from .support import LONG_BYTES, PARSERS, command, halves, outcome, single_bytes, take_all

pytestmark = pytest.mark.parametrize("parser_class", PARSERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_means_what_it_means_to_redis(parser_class: type[Parser], name: str) -> None:
    """Clients rely on it, and what differs lets one server be played against another."""
    assert expected(name) == outcome(parser_class(), [stream(name)])


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_anywhere_changes_nothing(parser_class: type[Parser], name: str) -> None:
    """TCP cuts where it likes."""
    for pieces in halves(stream(name)):
        assert expected(name) == outcome(parser_class(), pieces)


@pytest.mark.parametrize("name", [name for name in NAMES if len(stream(name)) <= LONG_BYTES])
def test_byte_by_byte_changes_nothing(parser_class: type[Parser], name: str) -> None:
    """A slow client sends so."""
    assert expected(name) == outcome(parser_class(), single_bytes(stream(name)))


@pytest.mark.parametrize("name", WHOLE)
def test_what_follows_a_request_is_the_next_one(parser_class: type[Parser], name: str) -> None:
    """Nothing of one request may stick to the other."""
    commands, _ = expected(name)
    parser = parser_class()
    both = stream(name) + command(b"GET", b"k") + b"PI"
    assert ([*commands, [b"GET", b"k"]], None) == outcome(parser, [both])
    assert parser.buffered_bytes == 2


@pytest.mark.parametrize("large", [10, 100_000])
def test_all_that_has_come_of_a_request_is_counted(parser_class: type[Parser], large: int) -> None:
    """Headers, too: it has begun with the first byte, and whoever began it is waited for."""
    parser = parser_class()
    request = command(b"SET", b"k", b"v" * large, b"NX")
    parser.feed(b"*0\r\n\r\n")
    fed = 0
    for size in (1, 3, 1, 3, 4, 4, 3, large, 8):
        parser.feed(request[fed : fed + size])
        fed += size
        assert parser.take() is None
        assert parser.buffered_bytes == fed
    parser.feed(request[fed:])
    assert parser.take() == [b"SET", b"k", b"v" * large, b"NX"]
    assert parser.buffered_bytes == 0


@pytest.mark.parametrize("name", BAD)
def test_after_an_error_nothing_is_read(parser_class: type[Parser], name: str) -> None:
    """Where a stream is out of step, data could pass for commands."""
    parser = parser_class()
    assert expected(name) == outcome(parser, [stream(name) + command(b"FLUSHALL")])
    parser.feed(command(b"FLUSHALL"))
    with pytest.raises(ProtocolError) as caught:
        parser.take()
    assert BAD[name][1] == str(caught.value)
    assert parser.buffered_bytes == 0


def test_commands_in_front_of_an_error_are_given_out(parser_class: type[Parser]) -> None:
    """They came in time, and Redis answers them."""
    assert outcome(parser_class(), [command(b"PING") * 2 + b"*x\r\n" + command(b"PING")]) == (
        [PING, PING],
        INVALID_COUNT,
    )


def test_a_stranger_may_send_ten_arguments(parser_class: type[Parser]) -> None:
    """HELLO with AUTH and SETNAME needs six; memory is for those who have a password."""
    limits = Limits(arguments_max=UNAUTHENTICATED_ARGUMENTS_MAX)
    ten = [b"HELLO"] * 10
    assert ([ten], None) == outcome(parser_class(limits), [command(*ten)])
    assert outcome(parser_class(limits), [b"*11\r\n"]) == (
        [],
        "Protocol error: unauthenticated multibulk length",
    )
    assert outcome(parser_class(limits), [b"*2147483648\r\n"]) == ([], INVALID_COUNT)


def test_a_stranger_may_send_16_kib(parser_class: type[Parser]) -> None:
    """As Redis has it."""
    limits = Limits(bulk_bytes_max=UNAUTHENTICATED_BULK_BYTES_MAX)
    longest = [b"AUTH", b"x" * 16384]
    assert ([longest], None) == outcome(parser_class(limits), [command(*longest)])
    assert outcome(parser_class(limits), [b"*2\r\n$4\r\nAUTH\r\n$16385\r\n"]) == (
        [],
        "Protocol error: unauthenticated bulk length",
    )
    assert outcome(parser_class(limits), [b"*1\r\n$536870913\r\n"]) == ([], INVALID_LENGTH)


def test_short_headers_keep_to_the_limits_too(parser_class: type[Parser]) -> None:
    """The quick way must not be a way around."""
    limits = Limits(arguments_max=2, bulk_bytes_max=4)
    assert outcome(parser_class(limits), [command(b"PING", b"abcd")])[0] == [[b"PING", b"abcd"]]
    assert outcome(parser_class(limits), [command(b"PING", b"a", b"b")])[0] == []
    assert outcome(parser_class(limits), [command(b"PING", b"abcde")])[0] == []


def test_the_bulk_limit_is_configurable(parser_class: type[Parser]) -> None:
    """It is `proto-max-bulk-len`."""
    limits = Limits(bulk_bytes_max=1024 * 1024)
    assert outcome(parser_class(limits), [b"*1\r\n$1048576\r\n"]) == ([], None)
    assert outcome(parser_class(limits), [b"*1\r\n$1048577\r\n"]) == ([], INVALID_LENGTH)


def test_a_million_arguments_are_the_limit(parser_class: type[Parser]) -> None:
    """A table of them is not made before they are here."""
    assert outcome(parser_class(), [b"*1048576\r\n"]) == ([], None)
    assert outcome(parser_class(), [b"*1048577\r\n"]) == ([], INVALID_COUNT)


def test_new_limits_hold_from_the_next_command(parser_class: type[Parser]) -> None:
    """AUTH and a long SET may come in one piece."""
    parser = parser_class(Limits(bulk_bytes_max=UNAUTHENTICATED_BULK_BYTES_MAX))
    parser.feed(command(b"AUTH", b"secret") + command(b"SET", b"k", b"v" * 20000))
    assert parser.take() == [b"AUTH", b"secret"]
    parser.limits = Limits()
    assert list(take_all(parser)) == [[b"SET", b"k", b"v" * 20000]]


def test_arguments_are_bytes_whatever_was_fed(parser_class: type[Parser]) -> None:
    """They become keys; a bytearray is no key, and a view would keep all the rest alive."""
    whole = command(b"SET", b"k", b"v" * 2000) * 2
    view = memoryview(whole)
    cuts: list[tuple[bytearray | memoryview, memoryview]] = [
        (bytearray(whole), view[:0]),
        (view[:70], view[70:]),
    ]
    for first, second in cuts:
        parser = parser_class()
        parser.feed(first)
        parser.feed(second)
        taken = list(take_all(parser))
        assert taken == [[b"SET", b"k", b"v" * 2000]] * 2
        assert {bytes} == {type(argument) for arguments in taken for argument in arguments}


def test_the_feeder_may_use_its_buffer_again(parser_class: type[Parser]) -> None:
    """The event loop does so with `BufferedProtocol`."""
    parser = parser_class()
    received = bytearray(command(b"GET", b"key"))
    parser.feed(received)
    received[:] = b"x" * len(received)
    assert parser.take() == [b"GET", b"key"]
