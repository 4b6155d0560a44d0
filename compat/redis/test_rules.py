"""The harness itself: what the rules forgive, and what they must not."""

from __future__ import annotations

import io

import pytest

from .reading import ConnectionClosed, Reply, read_reply
from .rules import are_equivalent
from .script import CASES, Step, encoded, parse_line, read_script


def reply(data: bytes) -> Reply:
    """The reply that the bytes are."""
    return read_reply(io.BytesIO(data))


@pytest.mark.parametrize(
    ("command", "ours", "theirs"),
    [
        ("TTL k", b":100\r\n", b":99\r\n"),
        ("pttl k", b":100000\r\n", b":99000\r\n"),
        ("KEYS *", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", b"*2\r\n$1\r\nb\r\n$1\r\na\r\n"),
        ("RANDOMKEY", b"$1\r\na\r\n", b"$1\r\nb\r\n"),
        ("CLIENT ID", b":3\r\n", b":7\r\n"),
    ],
)
def test_a_rule_forgives_what_it_is_for(command: str, ours: bytes, theirs: bytes) -> None:
    """Else the harness would cry wolf."""
    assert are_equivalent(parse_line(command).words, reply(ours), reply(theirs))


@pytest.mark.parametrize(
    ("command", "ours", "theirs"),
    [
        ("TTL k", b":-1\r\n", b":1\r\n"),
        ("TTL k", b":100\r\n", b":50\r\n"),
        ("TTL k", b":-2\r\n", b":-1\r\n"),
        ("TTL k", b"$3\r\n100\r\n", b":100\r\n"),
        ("KEYS *", b"*1\r\n$1\r\na\r\n", b"*1\r\n$1\r\nb\r\n"),
        ("RANDOMKEY", b"$-1\r\n", b"$1\r\nb\r\n"),
        ("CLIENT ID", b"-ERR\r\n", b":7\r\n"),
        ("INFO", b"-ERR\r\n", b"$1\r\na\r\n"),
        ("GET k", b"$-1\r\n", b"*-1\r\n"),
        ("GET k", b"+a\r\n", b"$1\r\na\r\n"),
        ("NOSUCH", b"-ERR a\r\n", b"-ERR b\r\n"),
        ("CONFIG SET a b", b"-ERR a\r\n", b"-ERR b\r\n"),
    ],
)
def test_a_rule_forgives_nothing_else(command: str, ours: bytes, theirs: bytes) -> None:
    """A rule that is too wide hides our faults."""
    assert not are_equivalent(parse_line(command).words, reply(ours), reply(theirs))


def test_a_line_is_read_as_its_help_says() -> None:
    """Scripts are written by people."""
    step = parse_line(r'@other !until :0 EXISTS "a b\x00" "x"*3 \n')
    assert step == Step((b":0", b"EXISTS", b"a b\0", b"xxx", b"\\n"), "until", "other")
    assert encoded((b"GET", b"")) == b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n"


def test_every_script_can_be_read() -> None:
    """A script that is empty by mistake would pass."""
    for path in CASES.glob("*.txt"):
        assert len(read_script(path)) > 20, path


@pytest.mark.parametrize(
    "whole", [b"*2\r\n$1\r\na\r\n:1\r\n", b"%1\r\n+a\r\n_\r\n", b"=5\r\ntxt:a\r\n"]
)
def test_a_reply_that_is_cut_off_is_no_reply(whole: bytes) -> None:
    """A server that dies in the middle must not look like one that answers."""
    assert reply(whole)
    for length in range(len(whole)):
        with pytest.raises(ConnectionClosed):
            reply(whole[:length])
