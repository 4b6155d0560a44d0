"""Random commands over a few keys: mostly sensible ones, with options; some of them broken.

The same seed gives the same commands. Deadlines are either in the past or far away and never
within seconds of each other, so that the commands do not depend on how fast a machine is.
DBSIZE and MEMORY USAGE are left to the scripts: in Redis they see keys that are past their time
until it has removed them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

from .script import Step

KEYS = (b"a", b"b", b"c", b"{a}d", b"number", b"", b"\x00\xff\r\n")

INTEGERS = (
    *(b"0", b"1", b"-1", b"2", b"10", b"-7", b"100", b"4294967296"),
    *(b"9223372036854775807", b"-9223372036854775808", b"9223372036854775806"),
)
NOT_POSITIVE = (b"0", b"-1", b"-7", b"-9223372036854775808", b"9223372036854775807")
"""Durations that are none: they do not pass, however slow the machine is."""

NOT_INTEGERS = (
    *(b"", b"x", b"1.5", b" 1", b"1 ", b"+1", b"01", b"-0", b"--1", b"0x10", b"1e3", b"\x001"),
    *(b"9223372036854775808", b"-9223372036854775809", b"99999999999999999999999"),
)
FLOATS = (
    *(b"0", b"1.5", b"-1.5", b"3.0e3", b"0.1", b"1e17", b"1e-17", b"5.0", b"+2", b".5", b"5."),
    *(b"nan", b"inf", b"-inf", b"1e400", b"1e308", b"0x1p3", b"1,5", b" 1", b"1 ", b""),
)
STRINGS = (
    *(b"", b"hello", b"Hello World", b"\x00\x01\xfe\xff", b"x" * 45, b"ohmytext", b"mynewtext"),
    *(b"caf\xc3\xa9", b"\r\n", b"3.14"),
)
PATTERNS = (
    *(b"*", b"?", b"a*", b"[a-c]", b"[^a]", b"\\*", b"n?mb*r", b"[", b"", b"*\xff*", b"h[z-a]"),
)
GARBAGE = (b"FOO", b"", b"NX", b"XX", b"GET", b"0", b"abc", b"KEEPTTL", b"\xff")
"""Without EX and PX: in the place of EXAT they would make a duration of a few seconds."""

BROKEN_PERCENT = 12
"""How many commands lose, gain or change a word after they are made."""


class Words:
    """Draws the words of commands."""

    def __init__(self, random: Random, keys: Sequence[bytes]) -> None:
        self._random = random
        self._keys = keys
        self.choice = random.choice
        self.randint = random.randint
        # Each far deadline once: the order of two must not hang on when they were given.
        self._far = iter(random.sample(range(1_000, 1_000_000), 50_000))

    def chance(self, percent: int) -> bool:
        """Whether something that happens so often happens."""
        return self._random.randrange(100) < percent

    def key(self) -> bytes:
        """One of a few, so that commands meet."""
        return self.choice(self._keys)

    def value(self) -> bytes:
        """A string, often one that is a number."""
        return self.choice(self.choice((STRINGS, STRINGS, INTEGERS, NOT_INTEGERS, FLOATS)))

    def integer(self) -> bytes:
        """An integer, nearly always."""
        return self.choice(NOT_INTEGERS if self.chance(15) else INTEGERS)

    def small(self) -> bytes:
        """An index or an offset."""
        if self.chance(10):
            return self.choice(NOT_INTEGERS)
        return b"%d" % self.randint(-12, 60)

    def duration(self, unit_ms: int) -> bytes:
        """How long from now, in units: far away mostly, else zero, past, too far or no number."""
        if self.chance(20):
            return self.choice((*NOT_POSITIVE, *NOT_INTEGERS))
        return b"%d" % (next(self._far) * 10_000 // unit_ms)

    def moment(self, unit_ms: int) -> bytes:
        """A point in time, in units: in the years from 2100 mostly."""
        if self.chance(20):
            return self.integer()
        return b"%d" % ((4_200_000_000 + next(self._far)) * 1000 // unit_ms)

    def deadline(self) -> list[bytes]:
        """One of the options that set a deadline."""
        option = self.choice((b"EX", b"PX", b"EXAT", b"PXAT"))
        unit_ms = 1000 if option.startswith(b"E") else 1
        draw = self.moment if option.endswith(b"AT") else self.duration
        return [self.case(option), draw(unit_ms)]

    def case(self, word: bytes) -> bytes:
        """The word in capitals or not: Redis takes either."""
        return self.choice((word, word, word.lower(), word.title()))

    def some(self, draw: Callable[[], bytes]) -> list[bytes]:
        """One to four of them."""
        return [draw() for _ in range(self.randint(1, 4))]


def _set(words: Words) -> list[bytes]:
    command = [b"SET", words.key(), words.value()]
    for option in (b"NX", b"XX", b"GET", b"KEEPTTL"):
        if words.chance(12):
            command.append(words.case(option))
    if words.chance(30):
        command += words.deadline()
    return command


def _getex(words: Words) -> list[bytes]:
    options = words.choice(([], [words.case(b"PERSIST")], words.deadline(), words.deadline()))
    return [b"GETEX", words.key(), *options]


def _expire(words: Words) -> list[bytes]:
    name = words.choice((b"EXPIRE", b"PEXPIRE", b"EXPIREAT", b"PEXPIREAT"))
    unit_ms = 1 if name.startswith(b"P") else 1000
    time = words.moment(unit_ms) if name.endswith(b"AT") else words.duration(unit_ms)
    options = [words.case(option) for option in (b"NX", b"XX", b"GT", b"LT") if words.chance(15)]
    return [name, words.key(), time, *options]


def _lcs(words: Words) -> list[bytes]:
    command = [b"LCS", words.key(), words.key()]
    for option in (b"LEN", b"IDX", b"WITHMATCHLEN"):
        if words.chance(30):
            command.append(words.case(option))
    if words.chance(25):
        command += [words.case(b"MINMATCHLEN"), words.small()]
    return command


def _copy(words: Words) -> list[bytes]:
    command = [b"COPY", words.key(), words.key()]
    if words.chance(25):
        command.append(words.case(b"REPLACE"))
    if words.chance(10):
        command += [words.case(b"DB"), words.choice((b"0", b"1", b"16", b"-1", b"x"))]
    return command


def _scan(words: Words) -> list[bytes]:
    command = [b"SCAN", b"0", words.case(b"COUNT"), b"1000"]
    if words.chance(30):
        command += [words.case(b"MATCH"), words.choice(PATTERNS)]
    if words.chance(20):
        command += [words.case(b"TYPE"), words.choice((b"string", b"LIST", b"nonsense"))]
    return command


def _garbage(words: Words) -> list[bytes]:
    name = words.choice((b"NOSUCH", b"", b"get\x00", b"GETX", b"\xff\xfe", b"x" * 150, b"a\r\nb"))
    return [name, *words.some(words.value)]


def _form(name: bytes, *draws: Callable[[Words], bytes]) -> Callable[[Words], list[bytes]]:
    return lambda words: [name, *(draw(words) for draw in draws)]


def _many(name: bytes) -> Callable[[Words], list[bytes]]:
    return lambda words: [name, *words.some(words.key)]


def _pairs(name: bytes) -> Callable[[Words], list[bytes]]:
    return lambda words: [
        name,
        *(word for _ in range(words.randint(1, 3)) for word in (words.key(), words.value())),
    ]


_KEY, _VALUE, _INTEGER, _SMALL = Words.key, Words.value, Words.integer, Words.small


def _float(words: Words) -> bytes:
    return words.choice(FLOATS)


def _offset(words: Words) -> bytes:
    return words.choice(
        (b"0", b"1", b"5", b"40", b"-1", b"x", b"536870912", b"9223372036854775807")
    )


def _seconds(words: Words) -> bytes:
    return words.duration(1000)


def _milliseconds(words: Words) -> bytes:
    return words.duration(1)


# (weight, what makes the command)
COMMANDS: tuple[tuple[int, Callable[[Words], list[bytes]]], ...] = (
    (30, _set),
    (12, _form(b"GET", _KEY)),
    (10, _getex),
    (6, _form(b"GETDEL", _KEY)),
    (6, _form(b"GETSET", _KEY, _VALUE)),
    (6, _form(b"SETNX", _KEY, _VALUE)),
    (6, _form(b"SETEX", _KEY, _seconds, _VALUE)),
    (6, _form(b"PSETEX", _KEY, _milliseconds, _VALUE)),
    (6, _many(b"MGET")),
    (5, _pairs(b"MSET")),
    (5, _pairs(b"MSETNX")),
    (8, _form(b"APPEND", _KEY, _VALUE)),
    (6, _form(b"STRLEN", _KEY)),
    (8, _form(b"GETRANGE", _KEY, _SMALL, _SMALL)),
    (3, _form(b"SUBSTR", _KEY, _SMALL, _SMALL)),
    (8, _form(b"SETRANGE", _KEY, _offset, _VALUE)),
    (8, _form(b"INCR", _KEY)),
    (8, _form(b"DECR", _KEY)),
    (8, _form(b"INCRBY", _KEY, _INTEGER)),
    (8, _form(b"DECRBY", _KEY, _INTEGER)),
    (14, _form(b"INCRBYFLOAT", _KEY, _float)),
    (8, _lcs),
    (6, _many(b"DEL")),
    (3, _many(b"UNLINK")),
    (6, _many(b"EXISTS")),
    (3, _many(b"TOUCH")),
    (5, _form(b"TYPE", _KEY)),
    (24, _expire),
    (8, _form(b"TTL", _KEY)),
    (8, _form(b"PTTL", _KEY)),
    (5, _form(b"EXPIRETIME", _KEY)),
    (5, _form(b"PEXPIRETIME", _KEY)),
    (8, _form(b"PERSIST", _KEY)),
    (6, _form(b"RENAME", _KEY, _KEY)),
    (6, _form(b"RENAMENX", _KEY, _KEY)),
    (8, _copy),
    (5, lambda words: [b"KEYS", words.choice(PATTERNS)]),
    (8, _scan),
    (3, lambda _: [b"RANDOMKEY"]),
    (6, lambda words: [b"OBJECT", words.choice((b"ENCODING", b"REFCOUNT", b"FREQ")), words.key()]),
    (3, lambda words: [b"ECHO", words.value()]),
    (2, lambda words: [b"PING", *([words.value()] if words.chance(50) else [])]),
    (1, lambda words: [b"FLUSHDB", *([words.case(b"ASYNC")] if words.chance(30) else [])]),
    (5, _garbage),
)


IN_ONE_SLOT = frozenset((b"RENAME", b"RENAMENX", b"COPY", b"LCS", b"MSETNX"))
"""Commands that a pool refuses, as Redis Cluster does, when their keys are not in one slot."""


def random_steps(
    seed: int,
    count: int,
    keys: Sequence[bytes] = KEYS,
    broken_percent: int = BROKEN_PERCENT,
    without: frozenset[bytes] = frozenset(),
) -> list[Step]:
    """This many commands, less those without; at the end, all that can be seen of each key."""
    random = Random(seed)
    words = Words(random, keys)
    weights = [weight for weight, _ in COMMANDS]
    makers = random.choices([maker for _, maker in COMMANDS], weights, k=count)
    commands = [command for maker in makers if (command := maker(words))[0] not in without]
    for index, command in enumerate(commands):
        command[0] = words.case(command[0])
        if words.chance(broken_percent):
            commands[index] = _broken(words, command)
    return [
        Step(tuple(command), place=f"seed {seed}, command {number}")
        for number, command in enumerate([*commands, *_inspection(keys)], 1)
    ]


def _broken(words: Words, command: list[bytes]) -> list[bytes]:
    """The command with a word put in, put in the place of another, or with its end cut off."""
    position = words.randint(1, len(command))
    match words.randint(0, 2):
        case 0:
            return command[:position]
        case 1:
            return [*command[:position], words.choice(GARBAGE), *command[position:]]
        case _:
            return [*command[: position - 1], words.choice(GARBAGE), *command[position:]]


def _inspection(keys: Sequence[bytes]) -> Iterator[list[bytes]]:
    for key in keys:
        for command in (b"GET", b"PTTL", b"TYPE", b"STRLEN"):
            yield [command, key]
    yield [b"KEYS", b"*"]
