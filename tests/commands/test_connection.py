"""PING, ECHO, HELLO, AUTH, SELECT, RESET, QUIT."""

from __future__ import annotations

from typing import Any

import pytest

from memcloud.resp import ErrorReply
from memcloud.version import REDIS_VERSION

from .support import LocalNode

WRONG_PASSWORD = ErrorReply("WRONGPASS invalid username-password pair or user is disabled.")
BAD_NAME = "ERR Client names cannot contain spaces, newlines or special characters."
NOT_YET = ErrorReply(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
    "<user> <pass> option can be used to authenticate the client and select the RESP protocol "
    "version at the same time"
)


def locked() -> LocalNode:
    """Return a node that wants a password."""
    return LocalNode(requirepass="secret")


def test_ping_answers_pong_or_its_argument() -> None:
    """Both forms are in use as heartbeats."""
    node = LocalNode()
    assert node.run("PING") == "PONG"
    assert node.run("PING", b"\x00\r\n") == b"\x00\r\n"
    assert node.run("PING", "a", "b") == ErrorReply(
        "ERR wrong number of arguments for 'ping' command"
    )


def test_ping_works_inline() -> None:
    """redis-benchmark sends it so."""
    assert LocalNode().send(b"PING\r\n") == b"+PONG\r\n"


def test_echo_gives_the_bytes_back() -> None:
    """redis-cli --pipe waits for them."""
    assert LocalNode().run("ECHO", b"\xff\x00") == b"\xff\x00"


def test_hello_tells_who_is_there() -> None:
    """Clients take the version and the mode from it."""
    node = LocalNode()
    expected = {
        b"server": b"redis",
        b"version": REDIS_VERSION.encode(),
        b"proto": 3,
        b"id": 1,
        b"mode": b"cluster",
        b"role": b"master",
        b"modules": [],
    }
    assert node.run("HELLO", 3) == expected
    assert node.run("HELLO") == expected


def test_hello_answers_in_the_protocol_it_chooses() -> None:
    """A map in RESP3, a flat array in RESP2."""
    node = LocalNode()
    assert node.send(b"HELLO 3\r\n").startswith(b"%7\r\n")
    assert node.send(b"HELLO 2\r\n").startswith(b"*14\r\n")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["4"], "NOPROTO unsupported protocol version"),
        (["1"], "NOPROTO unsupported protocol version"),
        (["abc"], "ERR Protocol version is not an integer or out of range"),
        (["3.0"], "ERR Protocol version is not an integer or out of range"),
        ([""], "ERR Protocol version is not an integer or out of range"),
        (["3", "setname"], "ERR Syntax error in HELLO option 'setname'"),
        (["3", "auth", "default"], "ERR Syntax error in HELLO option 'auth'"),
        (["2", "foo"], "ERR Syntax error in HELLO option 'foo'"),
        (["2", "SETNAME", "a b"], BAD_NAME),
        (["3", "AUTH", "nobody", "x"], WRONG_PASSWORD.text),
    ],
)
def test_a_hello_that_is_refused_changes_nothing(words: list[str], text: str) -> None:
    """The client goes on in the protocol it had."""
    node = LocalNode()
    assert node.run("HELLO", *words) == ErrorReply(text)
    assert node.session.protocol == 2
    assert node.session.name == b""


def test_hello_sets_the_name() -> None:
    """It saves a round trip at the start of a connection."""
    node = LocalNode()
    node.run("HELLO", 3, "SETNAME", "me")
    assert node.run("CLIENT", "GETNAME") == b"me"


def test_without_the_password_only_the_door_is_open() -> None:
    """HELLO tells how to come in, QUIT leaves, nothing else is done."""
    node = locked()
    for command in ("PING", "GET", "CLIENT", "INFO", "COMMAND"):
        reply = node.run(command, "x") if command == "GET" else node.run(command)
        if command != "CLIENT":
            assert reply == ErrorReply("NOAUTH Authentication required.")
    assert node.run("HELLO", 3) == NOT_YET
    assert node.session.protocol == 2
    assert node.run("QUIT") == "OK"


@pytest.mark.parametrize(
    "words",
    [
        ["AUTH", "secret"],
        ["AUTH", "default", "secret"],
        ["HELLO", "3", "AUTH", "default", "secret"],
        ["HELLO", "2", "SETNAME", "me", "AUTH", "default", "secret"],
    ],
)
def test_the_password_opens(words: list[str]) -> None:
    """By each of the commands that take it."""
    node = locked()
    assert not isinstance(node.run(*words), ErrorReply)
    assert node.run("PING") == "PONG"


@pytest.mark.parametrize(
    "words",
    [
        ["AUTH", "wrong"],
        ["AUTH", ""],
        ["AUTH", "default", "wrong"],
        ["AUTH", "nobody", "secret"],
        ["HELLO", "3", "AUTH", "default", "wrong"],
        ["HELLO", "3", "AUTH", "default", "wrong", "foo"],
    ],
)
def test_a_wrong_password_does_not(words: list[str]) -> None:
    """And it is not told which half was wrong."""
    node = locked()
    assert node.run(*words) == WRONG_PASSWORD
    assert node.run("PING") == ErrorReply("NOAUTH Authentication required.")


def test_auth_without_a_password_to_give_says_so() -> None:
    """The client is most likely connected to another server than it believes."""
    node = LocalNode()
    assert node.run("AUTH", "x") == ErrorReply(
        "ERR AUTH <password> called without any password configured for the default user. "
        "Are you sure your configuration is correct?"
    )
    assert node.run("AUTH", "default", "anything") == "OK"
    assert node.run("AUTH", "a", "b", "c") == ErrorReply("ERR syntax error")


def test_strangers_may_send_only_little() -> None:
    """A password prompt is not worth more memory; afterwards the usual limits hold."""
    node = locked()
    assert node.send(b"*11\r\n") == b"-ERR Protocol error: unauthenticated multibulk length\r\n"
    other = node.client(2)
    other.run("AUTH", "secret")
    assert other.run("PING", b"x" * 20000) == b"x" * 20000


@pytest.mark.parametrize(
    ("index", "reply"),
    [
        ("15", "OK"),
        ("16", ErrorReply("ERR DB index is out of range")),
        ("-1", ErrorReply("ERR DB index is out of range")),
        ("abc", ErrorReply("ERR value is not an integer or out of range")),
        ("", ErrorReply("ERR value is not an integer or out of range")),
        ("99999999999999999999", ErrorReply("ERR value is not an integer or out of range")),
    ],
)
def test_select_takes_the_databases_there_are(index: str, reply: Any) -> None:
    """Sixteen of them, unless the settings say otherwise."""
    assert LocalNode().run("SELECT", index) == reply


def test_reset_makes_the_connection_new() -> None:
    """Connection pools use it before they hand a connection on."""
    node = locked()
    node.run("AUTH", "secret")
    node.run("SELECT", 3)
    node.run("HELLO", 3, "SETNAME", "me")
    node.run("CLIENT", "NO-EVICT", "ON")
    assert node.run("RESET") == "RESET"
    session = node.session
    assert (session.database, session.protocol, session.name) == (0, 2, b"")
    assert not session.no_evict
    assert node.run("PING") == ErrorReply("NOAUTH Authentication required.")


def test_quit_closes_after_its_reply() -> None:
    """What the client sent after it is not run."""
    node = LocalNode()
    assert node.send(b"QUIT\r\nPING\r\n") == b"+OK\r\n"
    assert node.is_closed
