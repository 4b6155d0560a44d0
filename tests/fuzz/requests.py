"""What a client sends: hot commands mostly, on few keys, and all that disturbs them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from ..resp.support import command
from ..two_nodes import UNIX_MS, Arrival
from .streams import draw_stream, mutate, pieces_of

KEYS: Final = [b"a", b"b", b"c", b"{a}1", b"{a}2", b"", b"k" * 300, b"\0\r\n\xff"]
_NUMBERS: Final = (
    [b"0", b"1", b"-1", b"5", b"100", b"01", b"+1", b" 1", b"", b"x", b"1e3", b"-0", b"-", b"1 "]
    + [b"%d" % (2**63 + shift) for shift in (-2, -1, 0)]
    + [b"%d" % (-(2**63) + shift) for shift in (-1, 0, 1)]
    + [b"9" * 19, b"9" * 20, b"16384", b"16380", b"65536", b"1000000000000", b"-1000000000000"]
    + [b"%d" % (2**63 // 1000 + shift) for shift in (0, 1)]
    # Moments of the calendar that the clock of the nodes is near to.
    + [b"%d" % (UNIX_MS + shift) for shift in (-1, 0, 1, 1000)]
    + [b"%d" % (UNIX_MS // 1000 + shift) for shift in (-1, 0, 1, 31)]
)
_FLOATS: Final = [
    b"0.1", b"-0.1", b"3.0e3", b"0.5", b"10.", b".5", b"+1.50", b"-0.0", b"1e400", b"inf", b"nan",
    b"-5.25", b"1e-5", b"0x10", b"1_0", b"-5.25 ", b"9" * 30, b"0.%017d" % 1, b"0.%018d" % 6,
    b"1" * 41, b"9" * 16 + b".5",
]  # fmt: skip
# Around the largest value that is kept inline, and what the parser receives in its final place.
_SIZES: Final = [1000, 16_383, 16_384, 16_385, 65_500, 65_535, 65_536, 70_000]
_OPTIONS: Final = [
    b"NX", b"xx", b"GET", b"KEEPTTL", b"EX", b"px", b"PXAT", b"EXAT", b"PERSIST", b"PINNED",
    b"CACHE", b"GT", b"LT", b"get",
]  # fmt: skip

_WITH_KEY: Final = [
    "get", "get", "get", "incr", "decr", "strlen", "getdel", "getex", "type", "ttl", "pttl",
    "expiretime", "pexpiretime", "persist",
]  # fmt: skip
_WITH_VALUE: Final = ["set", "set", "append", "setnx", "getset"]
_WITH_NUMBER: Final = ["incrby", "decrby", "expire", "pexpire", "expireat", "pexpireat"]
_WITH_BOTH: Final = ["setex", "psetex", "setrange"]
_WITH_RANGE: Final = ["getrange", "substr"]
_WITH_TWO: Final = ["rename", "renamenx", "copy"]
_WITH_KEYS: Final = ["mget", "del", "unlink", "exists", "touch"]
_MORE: Final = ["mset", "msetnx", "ping", "echo", "incrbyfloat", "object", "dbsize", "scan"]
HOT: Final = frozenset().union(
    _WITH_KEY, _WITH_VALUE, _WITH_NUMBER, _WITH_BOTH, _WITH_RANGE, _WITH_KEYS, _WITH_TWO, _MORE
)
"""All commands that a native session runs itself and whose replies are not left to chance."""

_SPELLINGS: Final[list[Callable[[str], str]]] = [str.lower, str.lower, str.upper, str.title]
# Whole lines: commands that are not hot, or change how the hot ones are run or answered.
_OTHERS: Final = [
    b"SELECT 1", b"SELECT 0", b"SELECT 2", b"SWAPDB 0 1", b"FLUSHDB", b"FLUSHALL", b"DBSIZE",
    b"HELLO 3", b"HELLO 3", b"HELLO 2", b"RESET", b"QUIT", b"nonsense a", b"GET", b"SET a 'x y'",
    b"CLIENT REPLY OFF", b"CLIENT REPLY ON", b"CLIENT REPLY SKIP", b"CLIENT REPLY SKIP",
    b"CLIENT NO-TOUCH ON", b"CLIENT NO-TOUCH OFF", b"CLIENT PAUSE 3", b"CLIENT PAUSE 3 WRITE",
    b"CLIENT UNPAUSE", b"DBSIZE", b"SCAN", b"SCAN xx", b"SCAN 0 COUNT",
    b"CONFIG SET maxmemory 1", b"CONFIG SET maxmemory 0", b"CONFIG SET timeout 1",
    b"CONFIG SET maxmemory-policy noeviction", b"CONFIG SET requirepass p", b"AUTH p", b"PING",
    b"PING x", b"", b"CONFIG RESETSTAT", b"CLIENT GETNAME", b"OBJECT FREQ a",
]  # fmt: skip
_PAUSES_MS: Final = [0] * 20 + [1, 1, 1, 4, 5, 100, 1000, 31_000]


def _name(random: Random, names: list[str]) -> bytes:
    return random.choice(_SPELLINGS)(random.choice(names)).encode()


def _key(random: Random) -> bytes:
    return random.choice(KEYS)


def _keys(random: Random, most: int) -> list[bytes]:
    return [_key(random) for _ in range(random.randrange(most))]


def _number(random: Random) -> bytes:
    return random.choice(_NUMBERS)


def _value(random: Random) -> bytes:
    kind = random.randrange(40)
    if kind < 15:
        return _number(random)
    if kind < 39:
        return random.randbytes(random.randrange(20))
    return b"v" * random.choice(_SIZES)


def _options(random: Random) -> list[bytes]:
    """Return none mostly."""
    if random.random() < 0.6:
        return []
    words = (_OPTIONS, _OPTIONS, _NUMBERS)
    return [random.choice(random.choice(words)) for _ in range(random.randrange(1, 5))]


def _with_key(random: Random) -> list[bytes]:
    return [_name(random, _WITH_KEY), _key(random), *_options(random)]


def _with_value(random: Random) -> list[bytes]:
    return [_name(random, _WITH_VALUE), _key(random), _value(random), *_options(random)]


def _with_number(random: Random) -> list[bytes]:
    return [_name(random, _WITH_NUMBER), _key(random), _number(random), *_options(random)]


def _with_both(random: Random) -> list[bytes]:
    return [_name(random, _WITH_BOTH), _key(random), _number(random), _value(random)]


def _with_range(random: Random) -> list[bytes]:
    return [_name(random, _WITH_RANGE), _key(random), _number(random), _number(random)]


def _with_keys(random: Random) -> list[bytes]:
    return [_name(random, _WITH_KEYS), *_keys(random, 40 if random.random() < 0.05 else 6)]


def _mset(random: Random) -> list[bytes]:
    pairs = [part for key in _keys(random, 5) for part in (key, _value(random))]
    return [_name(random, ["mset", "msetnx"]), *(pairs[:-1] if random.random() < 0.1 else pairs)]


def _with_two(random: Random) -> list[bytes]:
    words = [_name(random, _WITH_TWO), _key(random), _key(random)]
    if random.random() < 0.3:
        words += [random.choice((b"REPLACE", b"replace", b"DB", b"1", b"x")) for _ in range(2)]
    return words


def _with_float(random: Random) -> list[bytes]:
    numbers = random.choice((_FLOATS, _FLOATS, _NUMBERS))
    return [_name(random, ["incrbyfloat", "set"]), _key(random), random.choice(numbers)]


def _object(random: Random) -> list[bytes]:
    return [_name(random, ["object"]), _name(random, ["encoding"]), _key(random)]


def _echo(random: Random) -> list[bytes]:
    return [_name(random, ["ping", "echo"]), _value(random)]


def _expiring(random: Random) -> list[bytes]:
    """A value for a few milliseconds, so that some are met when these are over."""
    return [_name(random, ["psetex"]), _key(random), b"%d" % random.randrange(1, 8), _value(random)]


_HOT_DRAWS: Final[list[Callable[[Random], list[bytes]]]] = [
    _with_key, _with_key, _with_key, _with_value, _with_value, _with_number, _with_both,
    _with_range, _with_keys, _mset, _echo, _expiring, _with_two, _with_float, _object,
]  # fmt: skip


def draw_hot(random: Random) -> bytes:
    """Return a hot command, maybe one with a fault."""
    return command(*random.choice(_HOT_DRAWS)(random))


def draw_other(random: Random) -> bytes:
    line = random.choice(_OTHERS)
    if random.random() < 0.3:
        return line + b"\r\n"
    return command(*line.split(b" "))


def _many(random: Random) -> bytes:
    """More than a turn, or than is read ahead, or than a request should have."""
    kind = random.randrange(3)
    if kind == 0:
        return command(b"PING") * random.choice((256, 2048, 2049))
    if kind == 1:
        return b"".join(draw_hot(random) for _ in range(random.randrange(30, 100)))
    return command(b"MGET", *[b"a"] * random.randrange(1020, 1030))


def draw_requests(random: Random) -> bytes:
    """Return what one client sends, of some hundred bytes mostly."""
    parts = [
        draw_other(random) if random.random() < 0.12 else draw_hot(random)
        for _ in range(random.randrange(1, 8))
    ]
    chance = random.random()
    if chance < 0.1:
        parts.insert(random.randrange(len(parts) + 1), draw_stream(random))
    elif chance < 0.105:
        parts.append(_many(random))
    stream = b"".join(parts)
    return mutate(random, stream) if random.random() < 0.15 else stream


def _cuts(random: Random, size: int) -> list[int]:
    """Return few places mostly, since each piece costs more than a command does."""
    chance = random.random()
    if chance < 0.4 or size < 2:
        return []
    if chance < 0.43 and size < 300:
        return list(range(1, size))
    return sorted(random.randrange(size) for _ in range(random.randrange(1, 5)))


def draw_arrivals(random: Random) -> list[Arrival]:
    """Return what arrives from one client, with time going by in between."""
    stream = draw_requests(random)
    pieces = pieces_of(stream, _cuts(random, len(stream)))
    return [Arrival(piece, random.choice(_PAUSES_MS)) for piece in pieces]
