"""COMMAND: the command table as clients see it, beside that of a real Redis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from memcloud.commands import TABLE
from memcloud.commands.syntax import parse_syntax
from memcloud.commands.table import Command
from memcloud.resp import ErrorReply, Reply, SetReply
from memcloud.resp.decoder import INCOMPLETE, Decoder
from memcloud.resp.encoder import encode
from tests.redis_server import RedisServer

from .support import LocalNode

Entry = dict[str, Any]

# Where we differ from Redis 7.0.15 on purpose.
NEWER = {"client|setinfo", "client|no-touch"}  # since Redis 7.2
DIFFERENT_SYNTAX = {
    "client|kill",  # Redis says that the filters are a choice, and calls YES and NO values
    "command|getkeys",  # Redis 7.0 has no arguments here; later versions do
    "command|getkeysandflags",
    "config|get",  # Redis puts the one argument into a block
}
# How many arguments of ours follow those of Redis.
OWN_ARGUMENTS = {"set": 1}  # PINNED | CACHE


def every_entry() -> Iterator[Command]:
    """Iterate over the commands and subcommands of our table."""
    for entry in TABLE:
        yield entry
        yield from entry.subcommands.values()


@pytest.fixture(scope="module")
def redis() -> Iterator[tuple[dict[str, Entry], dict[str, Entry]]]:
    """Give COMMAND INFO and COMMAND DOCS of a real Redis, by name."""
    with RedisServer() as server, server.connect() as connection:
        decoder = Decoder()

        def ask(*words: str) -> Any:
            connection.sendall(encode([word.encode() for word in words], 2))
            while (reply := decoder.take()) is INCOMPLETE:
                decoder.feed(connection.recv(1 << 20))
            return reply

        ask("HELLO", "3")
        facts = {entry["name"]: entry for entry in map(fields, ask("COMMAND"))}
        for entry in list(facts.values()):
            facts |= {sub["name"]: sub for sub in map(fields, entry["subcommands"])}
        documents = plain(ask("COMMAND", "DOCS"))
        for entry in list(documents.values()):
            documents |= entry.get("subcommands", {})
        yield facts, documents


def fields(reply: Any) -> Entry:
    """Return the ten fields of COMMAND INFO by name; what has no order is a set."""
    name, arity, flags, first, last, step, categories, tips, specs, subcommands = reply
    return {
        "name": plain(name),
        "arity": arity,
        "flags": set(plain(flags)),
        "positions": (first, last, step),
        "categories": set(plain(categories)),
        "tips": set(plain(tips)),
        "key specs": [
            {**plain(spec), "flags": set(plain(spec)["flags"]), "notes": None}
            for spec in items(specs)
        ],
        "subcommands": items(subcommands),
    }


def items(reply: Any) -> list[Any]:
    """Return what is in a set or an array."""
    return list(reply.items) if isinstance(reply, SetReply) else list(reply)


def plain(reply: Any) -> Any:
    """Return a reply with str for bytes and lists for sets."""
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, dict):
        return {plain(key): plain(value) for key, value in reply.items()}
    if isinstance(reply, list | SetReply):
        return [plain(item) for item in items(reply)]
    return reply


def shape(argument: Entry) -> Entry:
    """Return an argument without its names and histories, which are for people."""
    kept: Entry = {
        key: argument[key] for key in ("type", "token", "key_spec_index") if key in argument
    }
    kept["flags"] = set(argument.get("flags", ()))
    kept["arguments"] = [shape(sub) for sub in argument.get("arguments", ())]
    return kept


def test_our_facts_are_those_of_redis(redis: tuple[dict[str, Entry], dict[str, Entry]]) -> None:
    """Clients route, retry and check access by them."""
    theirs, _ = redis
    ours = {entry.name: fields(LocalNode().run("COMMAND", "INFO", entry.name, protocol=3)[0])
            for entry in every_entry()}  # fmt: skip
    differences = [
        f"{name} {fact}: {value} and not {theirs[name][fact]}"
        for name, entry in ours.items()
        if name in theirs
        for fact, value in entry.items()
        if fact != "subcommands" and value != theirs[name][fact]
    ]
    assert not differences, "\n".join(differences)


def test_our_documents_have_the_structure_of_redis(
    redis: tuple[dict[str, Entry], dict[str, Entry]],
) -> None:
    """The words are our own, the arguments the same."""
    _, theirs = redis
    differences = []
    for entry in every_entry():
        if entry.name not in theirs or entry.name in DIFFERENT_SYNTAX:
            continue
        document = theirs[entry.name]
        (mine,) = plain(LocalNode().run("COMMAND", "DOCS", entry.name, protocol=3)).values()
        ours = [shape(argument) for argument in mine.get("arguments", ())]
        ours = ours[: len(ours) - OWN_ARGUMENTS.get(entry.name, 0)]
        wanted = [shape(argument) for argument in document.get("arguments", ())]
        if ours != wanted:
            differences.append(f"{entry.name}: {ours} and not {wanted}")
        differences += [
            f"{entry.name} {fact}: {mine[fact]} and not {document[fact]}"
            for fact in ("since", "group")
            if mine[fact] != document[fact]
        ]
    assert not differences, "\n".join(differences)


def test_what_redis_does_not_know_is_ours_or_newer(
    redis: tuple[dict[str, Entry], dict[str, Entry]],
) -> None:
    """A typing error in a name would make a command of our own."""
    theirs, _ = redis
    unknown = {entry.name for entry in every_entry()} - set(theirs) - NEWER
    assert {entry.name for entry in every_entry() if entry.since.startswith("0.")} == unknown


@pytest.mark.parametrize("entry", list(every_entry()), ids=lambda entry: entry.name)
def test_every_command_says_what_it_does(entry: Command) -> None:
    """The hints and the manual are made of this."""
    assert entry.summary.endswith(".")
    assert entry.complexity
    parse_syntax(entry.syntax)
    is_open_ended = entry.arity < 0 and not entry.subcommands
    assert bool(entry.syntax) or not is_open_ended or entry.arity in (-1, -2)


def test_count_and_list_agree() -> None:
    """The list has the subcommands too."""
    node = LocalNode()
    names = node.run("COMMAND", "LIST")
    assert node.run("COMMAND", "COUNT") == sum(b"|" not in name for name in names)
    assert node.run("COMMAND", "COUNT") == len(node.run("COMMAND")) == len(TABLE)


def test_commands_between_nodes_are_not_shown() -> None:
    """Clients cannot use them."""
    node = LocalNode()
    assert all(not entry.internal for entry in every_entry())
    internal = [entry.name for entry in TABLE._commands.values() if entry.internal]
    assert node.run("COMMAND", "INFO", *internal or ["nosuch"]) == ([None] * max(1, len(internal)))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["PATTERN", "CLIENT|I*"], {b"client|id", b"client|info"}),
        (["MODULE", "x"], set()),
        (["ACLCAT", "nosuch"], set()),
        (["aclcat", "scripting"], set()),
    ],
)
def test_the_list_can_be_filtered(words: list[str], found: set[bytes]) -> None:
    """By name or category; there are no modules."""
    assert set(LocalNode().run("COMMAND", "LIST", "FILTERBY", *words)) == found


@pytest.mark.parametrize("words", [["foo"], ["FILTERBY"], ["FILTERBY", "foo", "bar"]])
def test_other_filters_are_a_syntax_error(words: list[str]) -> None:
    """In Redis' words."""
    assert LocalNode().run("COMMAND", "LIST", *words) == ErrorReply("ERR syntax error")


def test_unknown_names_are_null_in_info_and_missing_in_docs() -> None:
    """As clients expect of one that is older than they."""
    node = LocalNode()
    assert node.run("COMMAND", "INFO", "nosuch", "client|nosuch", "nosuch|get") == ([None] * 3)
    assert node.run("COMMAND", "DOCS", "nosuch", protocol=3) == {}


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("GET a", [b"a"]),
        ("MSET a 1 b 2", [b"a", b"b"]),
        ("DEL a b c", [b"a", b"b", b"c"]),
        ("RENAME a b", [b"a", b"b"]),
        ("OBJECT ENCODING a", [b"a"]),
        ("GET a b", ErrorReply("ERR Invalid number of arguments specified for command")),
        ("NOSUCH a", ErrorReply("ERR Invalid command specified")),
        ("OBJECT nosuch a", ErrorReply("ERR Invalid command specified")),
        ("CONFIG GET x", ErrorReply("ERR The command has no key arguments")),
    ],
)
def test_keys_are_found_in_a_command_line(line: str, reply: Reply) -> None:
    """Proxies ask for commands that they do not know."""
    assert LocalNode().run("COMMAND", "GETKEYS", *line.split()) == reply


@pytest.mark.parametrize(
    ("line", "access"),
    [
        ("SET a 1", [[b"a", ["OW", "update"]]]),
        ("SET a 1 get", [[b"a", ["RW", "access", "update"]]]),
        ("GET a", [[b"a", ["RO", "access"]]]),
        ("EXPIRE a 1", [[b"a", ["RW", "update"]]]),
        ("MSETNX a 1 b 2", [[b"a", ["OW", "insert"]], [b"b", ["OW", "insert"]]]),
        ("RENAME a b", [[b"a", ["RW", "access", "delete"]], [b"b", ["OW", "update"]]]),
    ],
)
def test_keys_come_with_what_is_done_to_them(line: str, access: Reply) -> None:
    """The same as Redis says of the same line."""
    assert LocalNode().run("COMMAND", "GETKEYSANDFLAGS", *line.split()) == access
