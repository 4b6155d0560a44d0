"""Streams of requests, and what Redis 7.0 makes of them; test_against_redis.py checks that."""

from __future__ import annotations

from typing import Final

from .support import Outcome, command

INVALID_COUNT: Final = "Protocol error: invalid multibulk length"
INVALID_LENGTH: Final = "Protocol error: invalid bulk length"
UNBALANCED: Final = "Protocol error: unbalanced quotes in request"

PING: Final = [b"PING"]

GOOD: Final[dict[str, tuple[bytes, list[list[bytes]]]]] = {
    "nothing": (b"", []),
    "one argument": (b"*1\r\n$4\r\nPING\r\n", [PING]),
    "three arguments": (command(b"SET", b"k", b"v"), [[b"SET", b"k", b"v"]]),
    "empty argument": (command(b"ECHO", b""), [[b"ECHO", b""]]),
    "line ends in an argument": (command(b"ECHO", b"\r\n$3\r\n"), [[b"ECHO", b"\r\n$3\r\n"]]),
    "every byte": (command(b"ECHO", bytes(range(256))), [[b"ECHO", bytes(range(256))]]),
    "length of two digits": (command(b"ECHO", b"x" * 10), [[b"ECHO", b"x" * 10]]),
    "length of four digits": (command(b"ECHO", b"x" * 1025), [[b"ECHO", b"x" * 1025]]),
    "count of two digits": (command(b"EXISTS", *[b"k"] * 11), [[b"EXISTS", *[b"k"] * 11]]),
    "many in one piece": (command(b"PING") * 3 + b"PING\r\n", [PING] * 4),
    "no arguments": (b"*0\r\n*0\r\n" + command(b"PING"), [PING]),
    "null array": (b"*-1\r\n" + command(b"PING"), [PING]),
    "less than no arguments": (b"*-10\r\n" + command(b"PING"), [PING]),
    "smallest count": (b"*-9223372036854775808\r\n" + command(b"PING"), [PING]),
    "any byte for LF": (b"*1\rX$4\r*PING$$", [PING]),
    "anything behind an argument": (b"*1\r\n$4\r\nPING**" + command(b"PING"), [PING, PING]),
    "inline": (b"PING\r\n", [PING]),
    "inline, LF alone": (b"PING\nECHO a\n", [PING, [b"ECHO", b"a"]]),
    "inline, only the last CR is the end": (b"ECHO a\r\r\n", [[b"ECHO", b"a"]]),
    "inline, words": (b" ECHO \t a  \r\n", [[b"ECHO", b"a"]]),
    "inline, empty": (b"\r\n\n \r\n\t\nPING\r\n", [PING]),
    "inline, quotes": (
        b"ECHO \"a b\\x41\\n\"\r\nECHO 'c\\'d'\n",
        [[b"ECHO", b"a bA\n"], [b"ECHO", b"c'd"]],
    ),
    "inline, then multibulk": (b"PING\r\n" + command(b"PING"), [PING, PING]),
    "inline, dollar": (b"$4\r\nPING\r\n", [[b"$4"], PING]),
    "NUL hides the end of a line": (b"PING\r\nPI\0NG\r\nPING\r\n", [PING]),
    "NUL hides the end of a count": (b"*1\0\r\n$4\r\nPING\r\n", []),
    "NUL hides the end of a length": (b"*1\r\n$4\0\r\nPING\r\n", []),
    "unfinished line": (b"PING", []),
    "unfinished count": (b"*1\r", []),
    "unfinished length": (b"*1\r\n$4\r", []),
    "unfinished argument": (b"*1\r\n$4\r\nPIN", []),
    "unfinished end of an argument": (b"*1\r\n$4\r\nPING\r", []),
    "claimed but not sent": (b"*2\r\n$4\r\nECHO\r\n$536870912\r\n", []),
    "longest line": (b"ECHO " + b"x" * 65531 + b"\n", [[b"ECHO", b"x" * 65531]]),
}

BAD: Final[dict[str, tuple[bytes, str]]] = {
    "count is no number": (b"*x\r\n", INVALID_COUNT),
    "count is missing": (b"*\r\n", INVALID_COUNT),
    "count with a blank": (b"* 1\r\n", INVALID_COUNT),
    "count with a plus": (b"*+1\r\n", INVALID_COUNT),
    "count with a leading zero": (b"*01\r\n", INVALID_COUNT),
    "count is minus zero": (b"*-0\r\n", INVALID_COUNT),
    "count is a lone minus": (b"*-\r\n", INVALID_COUNT),
    "count with an underscore": (b"*1_0\r\n", INVALID_COUNT),
    "count with LF": (b"*1\n$4\r\nPING\r\n", INVALID_COUNT),
    "count in other digits": ("*١\r\n".encode(), INVALID_COUNT),
    "count too large": (b"*3000000000\r\n", INVALID_COUNT),
    "count beyond 63 bits": (b"*9223372036854775808\r\n", INVALID_COUNT),
    "count below 63 bits": (b"*-9223372036854775809\r\n", INVALID_COUNT),
    "count of twenty digits": (b"*00000000000000000001\r\n", INVALID_COUNT),
    "length is no number": (b"*1\r\n$x\r\n", INVALID_LENGTH),
    "length is missing": (b"*1\r\n$\r\n", INVALID_LENGTH),
    "length with a plus": (b"*1\r\n$+4\r\nPING\r\n", INVALID_LENGTH),
    "length with a leading zero": (b"*1\r\n$04\r\nPING\r\n", INVALID_LENGTH),
    "length with a blank": (b"*1\r\n$4 \r\nPING\r\n", INVALID_LENGTH),
    "length of minus one": (b"*1\r\n$-1\r\n", INVALID_LENGTH),
    "length too large": (b"*1\r\n$536870913\r\n", INVALID_LENGTH),
    "length beyond 63 bits": (b"*1\r\n$9223372036854775808\r\n", INVALID_LENGTH),
    "second length": (b"*2\r\n$4\r\nECHO\r\n$-10\r\n", INVALID_LENGTH),
    "no dollar": (b"*1\r\n4\r\nPING\r\n", "Protocol error: expected '$', got '4'"),
    "a colon for the dollar": (b"*1\r\n:4\r\n", "Protocol error: expected '$', got ':'"),
    "an empty header": (b"*1\r\n\r\n", "Protocol error: expected '$', got '\r'"),
    "LF for the dollar": (b"*1\r\n\n\r\n", "Protocol error: expected '$', got '\n'"),
    "a byte that is no text": (b"*1\r\n\xff\r\n", "Protocol error: expected '$', got '\udcff'"),
    "no CR LF behind an argument": (
        b"*2\r\n$1\r\nabcd\r\n",
        "Protocol error: expected '$', got 'd'",
    ),
    "double quotes not closed": (b'ECHO "a\r\n', UNBALANCED),
    "single quotes not closed": (b"ECHO 'a\\'\r\n", UNBALANCED),
    "quotes closed in a word": (b'ECHO "a"b\r\n', UNBALANCED),
    "too long line": (b"x" * 65537, "Protocol error: too big inline request"),
    "too long line with NUL": (
        b"\0\r\n" * 21845 + b"\0\r",
        "Protocol error: too big inline request",
    ),
    "too long count": (b"*" + b"1" * 65536, "Protocol error: too big mbulk count string"),
    "too long length": (b"*1\r\n$" + b"1" * 65536, "Protocol error: too big bulk count string"),
}


def expected(name: str) -> Outcome:
    """What the stream of this name gives, whatever arrives behind a bad one."""
    if name in GOOD:
        return GOOD[name][1], None
    return [], BAD[name][1]


def stream(name: str) -> bytes:
    """The bytes of this name."""
    return GOOD[name][0] if name in GOOD else BAD[name][0]


NAMES: Final = [*GOOD, *BAD]

WHOLE: Final = [name for name in GOOD if not name.startswith(("unfinished", "claimed", "NUL"))]
"""Those after which another request can follow."""
