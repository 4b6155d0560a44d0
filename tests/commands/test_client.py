"""CLIENT: what clients say of themselves and see of each other."""

from __future__ import annotations

import pytest

from memcloud.resp import ErrorReply, Verbatim

from .support import LocalClient, LocalNode

# The fields of Redis 7.2, in its order: programs read them by name, some by place.
FIELDS = (
    "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem "
    "rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver"
)
SYNTAX_ERROR = ErrorReply("ERR syntax error")
BAD_NAME = "cannot contain spaces, newlines or special characters."


def fields_of(line: bytes) -> dict[str, str]:
    """Return the fields of a line of CLIENT LIST."""
    return dict(word.split("=", 1) for word in line.decode().rstrip("\n").split(" "))


def listed(client: LocalClient, *words: object) -> list[int]:
    """Return the numbers of the connections that CLIENT LIST shows."""
    text = client.run("CLIENT", "LIST", *map(str, words))
    assert isinstance(text, bytes)
    return [int(fields_of(line)["id"]) for line in text.splitlines()]


def test_a_client_finds_itself_in_the_list() -> None:
    """With all that it said of itself."""
    node = LocalNode()
    node.run("CLIENT", "SETNAME", "me")
    node.run("CLIENT", "SETINFO", "LIB-NAME", "redis-py(x)")
    node.run("CLIENT", "SETINFO", "lib-ver", "1.2")
    node.run("SELECT", 3)
    node.clock.advance(2500)
    fields = fields_of(node.run("CLIENT", "INFO"))
    assert list(fields) == FIELDS.split()
    told = {"id": "1", "addr": "127.0.0.1:50001", "laddr": "127.0.0.1:6380", "name": "me"}
    told |= {"age": "2", "idle": "0", "flags": "N", "db": "3", "cmd": "client|info"}
    told |= {"user": "default", "resp": "2", "lib-name": "redis-py(x)", "lib-ver": "1.2"}
    assert told.items() <= fields.items()


def test_list_shows_every_connection_as_text() -> None:
    """As a verbatim string where the protocol has one."""
    node = LocalNode()
    node.client(2)
    assert listed(node) == [1, 2]
    assert listed(node, "TYPE", "NORMAL") == [1, 2]
    assert listed(node, "TYPE", "replica") == []
    assert listed(node, "ID", 2, 7, 1) == [2, 1]
    assert isinstance(node.run("CLIENT", "LIST", protocol=3), Verbatim)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["TYPE", "foo"], "ERR Unknown client type 'foo'"),
        (["TYPE"], "ERR syntax error"),
        (["TYPE", "normal", "ID", "3"], "ERR syntax error"),
        (["ID"], "ERR syntax error"),
        (["ID", "a"], "ERR Invalid client ID"),
        (["foo"], "ERR syntax error"),
    ],
)
def test_a_list_of_what_is_not_there_is_refused(words: list[str], text: str) -> None:
    """In Redis' words."""
    assert LocalNode().run("CLIENT", "LIST", *words) == ErrorReply(text)


def test_flags_tell_the_modes_of_a_connection() -> None:
    """The letters are those of Redis."""
    node = LocalNode()
    node.run("CLIENT", "NO-EVICT", "on")
    node.run("CLIENT", "NO-TOUCH", "ON")
    assert fields_of(node.run("CLIENT", "INFO"))["flags"] == "eT"
    assert node.run("CLIENT", "NO-EVICT", "x") == SYNTAX_ERROR
    assert node.run("CLIENT", "NO-TOUCH", "x") == SYNTAX_ERROR


def test_the_name_is_nil_until_it_is_set() -> None:
    """And again after it was set to nothing."""
    node = LocalNode()
    assert node.run("CLIENT", "GETNAME") is None
    assert node.run("CLIENT", "SETNAME", "me") == "OK"
    assert node.run("CLIENT", "GETNAME") == b"me"
    assert node.run("CLIENT", "SETNAME", "") == "OK"
    assert node.run("CLIENT", "GETNAME") is None


@pytest.mark.parametrize("name", ["a b", "a\n", "\x7f", "ä"])
def test_a_name_that_would_break_the_list_is_refused(name: str) -> None:
    """One line, fields parted by blanks."""
    node = LocalNode()
    assert node.run("CLIENT", "SETNAME", name) == ErrorReply(f"ERR Client names {BAD_NAME}")
    assert node.run("CLIENT", "SETINFO", "LIB-NAME", name) == ErrorReply(f"ERR LIB-NAME {BAD_NAME}")


def test_setinfo_knows_two_attributes() -> None:
    """As Redis 7.2 does."""
    assert LocalNode().run("CLIENT", "SETINFO", "foo", "x") == ErrorReply(
        "ERR Unrecognized option 'foo'"
    )


def test_subcommands_of_later_versions_are_unknown_in_the_usual_words() -> None:
    """redis-py asks for MAINT_NOTIFICATIONS and goes on when it reads this."""
    assert LocalNode().run("CLIENT", "MAINT_NOTIFICATIONS", "ON") == ErrorReply(
        "ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP."
    )


def test_a_client_is_killed_by_its_address() -> None:
    """The old form answers OK or an error."""
    node = LocalNode()
    other = node.client(2)
    assert node.run("CLIENT", "KILL", "127.0.0.1:50002") == "OK"
    assert other.receive() == b""
    assert listed(node) == [1]
    assert node.run("CLIENT", "KILL", "127.0.0.1:50002") == ErrorReply("ERR No such client")


@pytest.mark.parametrize(
    ("words", "killed"),
    [
        (["ID", "2"], [2]),
        (["ID", "9"], []),
        (["ADDR", "127.0.0.1:50003"], [3]),
        (["LADDR", "127.0.0.1:6380"], [2, 3]),
        (["TYPE", "normal"], [2, 3]),
        (["TYPE", "pubsub"], []),
        (["USER", "default"], [2, 3]),
        (["ID", "2", "ADDR", "127.0.0.1:50003"], []),
        (["ID", "2", "TYPE", "normal"], [2]),
        (["ID", "1"], []),
    ],
)
def test_a_client_is_killed_if_all_filters_choose_it(words: list[str], killed: list[int]) -> None:
    """And the one that asks is spared."""
    node = LocalNode()
    node.client(2)
    node.client(3)
    assert node.run("CLIENT", "KILL", *words) == len(killed)
    assert set(listed(node)) == {1, 2, 3} - set(killed)


def test_a_client_that_kills_itself_reads_the_answer() -> None:
    """It is closed after the reply."""
    node = LocalNode()
    assert node.run("CLIENT", "KILL", "SKIPME", "no") == 1
    assert node.is_closed


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["ID", "abc"], "ERR client-id should be greater than 0"),
        (["ID", "0"], "ERR client-id should be greater than 0"),
        (["TYPE", "foo"], "ERR Unknown client type 'foo'"),
        (["USER", "nobody"], "ERR No such user 'nobody'"),
        (["SKIPME", "x"], "ERR syntax error"),
        (["foo", "bar"], "ERR syntax error"),
        (["ID", "1", "ADDR"], "ERR syntax error"),
    ],
)
def test_filters_that_make_no_sense_kill_nobody(words: list[str], text: str) -> None:
    """In Redis' words."""
    node = LocalNode()
    node.client(2)
    assert node.run("CLIENT", "KILL", *words) == ErrorReply(text)
    assert listed(node) == [1, 2]


@pytest.mark.parametrize(
    ("commands", "replies"),
    [
        (["CLIENT REPLY OFF", "PING", "CLIENT REPLY ON", "PING"], b"+OK\r\n+PONG\r\n"),
        (["CLIENT REPLY SKIP", "PING", "PING"], b"+PONG\r\n"),
        (["CLIENT REPLY SKIP", "CLIENT REPLY ON", "PING"], b"+OK\r\n+PONG\r\n"),
        (["CLIENT REPLY OFF", "CLIENT REPLY SKIP", "CLIENT REPLY ON"], b"+OK\r\n"),
        (["CLIENT REPLY foo", "PING"], b"-ERR syntax error\r\n+PONG\r\n"),
    ],
)
def test_replies_are_left_out_as_asked(commands: list[str], replies: bytes) -> None:
    """Recorded from Redis: a client counts what comes back."""
    assert LocalNode().send("".join(f"{line}\r\n" for line in commands).encode()) == replies


def test_a_pause_holds_commands_until_its_time_is_over() -> None:
    """They run then, in order."""
    node = LocalNode()
    other = node.client(2)
    assert node.run("CLIENT", "PAUSE", 100) == "OK"
    assert other.send(b"PING\r\n") == b""
    node.advance(99)
    assert other.receive() == b""
    node.advance(1)
    assert other.receive() == b"+PONG\r\n"


def test_a_pause_of_writes_lets_reads_through() -> None:
    """And UNPAUSE ends it before its time."""
    node = LocalNode()
    other = node.client(2)
    node.run("CLIENT", "PAUSE", 100000, "write")
    assert other.send(b"PING\r\nFLUSHALL\r\n") == b"+PONG\r\n"
    node.node.clients.received(1, b"CLIENT UNPAUSE\r\n")
    assert other.receive() == b"+OK\r\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["abc"], "ERR timeout is not an integer or out of range"),
        (["-1"], "ERR timeout is negative"),
        (["1", "foo"], "ERR CLIENT PAUSE mode must be WRITE or ALL"),
        (["x", "foo"], "ERR CLIENT PAUSE mode must be WRITE or ALL"),
    ],
)
def test_a_pause_that_makes_no_sense_is_refused(words: list[str], text: str) -> None:
    """In Redis' words."""
    assert LocalNode().run("CLIENT", "PAUSE", *words) == ErrorReply(text)


def test_help_names_every_subcommand() -> None:
    """Nobody should have to guess."""
    node = LocalNode()
    for container in ("CLIENT", "CONFIG", "COMMAND", "SLOWLOG", "LATENCY", "MODULE"):
        lines = node.run(container, "HELP")
        words = {line.split()[0] for line in lines[1:] if not line.startswith(" ")}
        entry = node.node.commands.find(container.encode())
        assert entry is not None
        assert {name.upper() for name in entry.subcommands} <= words


def test_what_was_to_be_silent_is_so_after_a_pause() -> None:
    """A reply too many shifts all that come after it."""
    node = LocalNode()
    other = node.client(2)
    node.run("CLIENT", "PAUSE", 100)
    assert other.send(b"CLIENT REPLY SKIP\r\nSET k v EX 0\r\nPING\r\n") == b""
    node.advance(100)
    assert other.receive() == b"+PONG\r\n"


def test_a_held_command_runs_at_the_time_at_which_it_runs() -> None:
    """A deadline that counted from its arrival could be over before it is set."""
    node = LocalNode()
    other = node.client(2)
    node.run("CLIENT", "PAUSE", 60_000)
    other.send(b"SET k v EX 10\r\n")
    node.advance(60_000)
    assert other.receive() == b"+OK\r\n"
    assert other.run("PTTL", "k") == 10_000
