"""Where a reply of ours may differ from Redis', and why. Everything else is equal byte for byte.

A rule is for some commands, has a reason, and says whether two replies differ in what it allows
and in nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .reading import Reply

CLOCK_SECONDS_MAX = 5
"""How much later one server may have got a command than the other, on a machine under load."""


@dataclass(frozen=True)
class Rule:
    """Which differences are right for these commands."""

    commands: frozenset[bytes]
    """In capitals; with the subcommand for those that have some."""
    reason: str
    allows: Callable[[Reply, Reply], bool]


def are_equivalent(words: tuple[bytes, ...], ours: Reply, theirs: Reply) -> bool:
    """Whether the replies to the command are equal, or differ as a rule allows."""
    if ours == theirs:
        return True
    if ours.kind != theirs.kind and "-" in (ours.kind, theirs.kind):
        return False
    names = {words[0].upper(), b" ".join(words[:2]).upper()} if words else set()
    return any(rule.allows(ours, theirs) for rule in RULES if rule.commands & names)


def _differ_in_order(ours: Reply, theirs: Reply) -> bool:
    return ours.line == theirs.line and sorted(map(str, ours.items)) == sorted(
        map(str, theirs.items)
    )


def _are_scans(ours: Reply, theirs: Reply) -> bool:
    """The same keys when nothing is left to scan; else each has its own page of them."""
    if not len(ours.items) == len(theirs.items) == 2:
        return False
    (our_cursor, our_keys), (their_cursor, their_keys) = ours.items, theirs.items
    if our_cursor.string == their_cursor.string == b"0":
        return _differ_in_order(our_keys, their_keys)
    return (our_cursor.string or b"").isdigit() and our_keys.kind == "*"


def _are_near(tolerance: int) -> Callable[[Reply, Reply], bool]:
    def allows(ours: Reply, theirs: Reply) -> bool:
        if ours.integer is None or theirs.integer is None:
            return False
        # -1 and -2 have a meaning of their own: no deadline, no key.
        if ours.integer < 0 or theirs.integer < 0:
            return False
        return abs(ours.integer - theirs.integer) <= tolerance

    return allows


def _are_both_something(ours: Reply, theirs: Reply) -> bool:
    return ours.kind == theirs.kind == "$" and not ours.is_null and not theirs.is_null


def _are_positive(ours: Reply, theirs: Reply) -> bool:
    return (ours.integer or 0) > 0 and (theirs.integer or 0) > 0


def _are_of_changes(ours: Reply, theirs: Reply) -> bool:
    return theirs.string in (b"embstr", b"raw") and ours.string in (b"int", b"embstr")


def _are_times(ours: Reply, theirs: Reply) -> bool:
    return ours.line == theirs.line and all(
        mine.string is not None and mine.string.isdigit() for mine in ours.items
    )


def _are_help(ours: Reply, theirs: Reply) -> bool:
    return (
        ours.items[:1] == theirs.items[:1]
        and ours.items[-2:] == theirs.items[-2:]
        and {item.kind for item in ours.items} == {"+"}
    )


def _are_greetings(ours: Reply, theirs: Reply) -> bool:
    fields_of_ours, fields_of_theirs = _fields(ours), _fields(theirs)
    for field in (b"server", b"version", b"id", b"mode"):
        if field not in fields_of_ours:
            return False
        fields_of_ours[field] = fields_of_theirs[field]
    return ours.line == theirs.line and fields_of_ours == fields_of_theirs


def _are_clients(ours: Reply, theirs: Reply) -> bool:
    return ours.kind == theirs.kind and _clients(ours) == _clients(theirs)


# Of a client's line: what it is and has asked for. The rest is addresses, times and sizes, and
# what releases of Redis after 7.0 have added.
_CLIENT_FIELDS = re.compile(rb"(?<![\w-])(name|flags|db|sub|psub|multi|cmd|user|redir|resp)=(\S*)")


def _clients(reply: Reply) -> list[list[tuple[bytes, bytes]]]:
    return sorted(_CLIENT_FIELDS.findall(line) for line in (reply.string or b"").splitlines())


def _fields(reply: Reply) -> dict[bytes | None, Reply]:
    keys = (item.string for item in reply.items[::2])
    return dict(zip(keys, reply.items[1::2], strict=True))


def _are_command_infos(ours: Reply, theirs: Reply) -> bool:
    return ours.line == theirs.line and all(
        _command_info(mine) == _command_info(other)
        for mine, other in zip(ours.items, theirs.items, strict=True)
    )


def _command_info(entry: Reply) -> object:
    """Name, arity, flags, key positions and categories; lists of words without their order."""
    if len(entry.items) < 7:
        return entry
    name, arity, flags, first, last, step, categories = entry.items[:7]
    return (
        *(name, arity, first, last, step),
        *(flags.kind, sorted(map(str, flags.items))),
        *(categories.kind, sorted(map(str, categories.items))),
    )


def _are_of_one_kind(ours: Reply, theirs: Reply) -> bool:
    return ours.kind == theirs.kind != "-"


def _are_lists_of_choices(ours: Reply, theirs: Reply) -> bool:
    marker = b"must be one of the following: "
    return (
        marker in theirs.line
        and ours.line.partition(marker)[:2] == theirs.line.partition(marker)[:2]
    )


def _rule(commands: str, reason: str, allows: Callable[[Reply, Reply], bool]) -> Rule:
    names = frozenset(name.strip().encode() for name in commands.split(","))
    return Rule(names, reason, allows)


RULES = (
    _rule("KEYS, COMMAND LIST", "keys have no order", _differ_in_order),
    _rule("SCAN", "keys have no order, and cursors mean nothing to a client", _are_scans),
    _rule(
        "TTL, EXPIRETIME, OBJECT IDLETIME",
        "one server got the commands later than the other, or took longer between them",
        _are_near(CLOCK_SECONDS_MAX),
    ),
    _rule(
        "PTTL, PEXPIRETIME",
        "as for TTL, in milliseconds",
        _are_near(CLOCK_SECONDS_MAX * 1000),
    ),
    _rule("TIME", "time goes on", _are_times),
    _rule("RANDOMKEY", "any key is right", _are_both_something),
    _rule("MEMORY USAGE", "entries are stored in another form", _are_positive),
    _rule("OBJECT REFCOUNT", "which integers Redis shares depends on how they came", _are_positive),
    _rule("OBJECT ENCODING", "Redis leaves a string as a change has made it", _are_of_changes),
    _rule("CLIENT ID", "connections are counted by each server", _are_positive),
    _rule("CLIENT INFO, CLIENT LIST", "addresses, times and sizes are each server's", _are_clients),
    _rule("HELLO", "the server says what it is, and how this client is numbered", _are_greetings),
    _rule(
        "CLIENT HELP, CONFIG HELP, OBJECT HELP, COMMAND HELP, MEMORY HELP, CLUSTER HELP",
        "help is written in our own words, and tells of what is there",
        _are_help,
    ),
    _rule(
        "COMMAND, COMMAND INFO",
        "lists of words have no order; tips, key specifications and subcommands are described "
        "as far as clients use them",
        _are_command_infos,
    ),
    _rule("CONFIG SET", "not all of Redis' policies are there", _are_lists_of_choices),
    _rule("INFO, COMMAND COUNT, COMMAND DOCS", "servers differ", _are_of_one_kind),
)
