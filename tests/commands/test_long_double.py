"""INCRBYFLOAT's arithmetic beside that of a real Redis."""

from __future__ import annotations

from random import Random

import pytest

from memcloud.commands.long_double import parse_long_double
from memcloud.errors import NotAFloatError
from memcloud.resp import ErrorReply

from .real_redis import real_redis
from .support import LocalNode

PAIRS = 6000
ODD = (
    *("inf", "INFINITY", "-inf", "nan", "nan(1)", "infi", ".", ".5", "5.", "e5", "1e", "1e+"),
    *("0x", "0x.", "0xp1", "0x.p1", "0x1p", "0x.8", "0x8.", "0x1p99999999999999999999", ""),
    *("0e99999999999", "1e99999999999", "1e-99999999999", "00012", "1_0", "1 ", " 1", "\t1"),
    *("1\n", "1\0", "1.5e3.2", "1,5", "--1", "+-1", "1e5000", "-1e5000", "1e-5000", "\u0663"),
    *("1.18973149535723176502e4932", "1.18973149535723176509e4932", "3.6e-4951", "1e-4951"),
    *("0x1p-16445", "0x1p-16446", "0x1.8p-16446", "0x1p16383", "0x1p16384", "0." + "0" * 5116),
    *("0." + "0" * 5117 + "1", "1" * 4931, "9" * 4933),
)


def some_number(random: Random) -> str:
    """Draw a number, or something like one, of many magnitudes and spellings."""
    sign = random.choice(("", "-", "+"))
    digits = str(random.randrange(10 ** random.randint(1, 25)))
    decimals = str(random.randrange(10 ** random.randint(1, 25)))
    hexadecimals = f"{random.getrandbits(random.randint(1, 80)):x}"
    forms = (
        digits,
        f"{digits}.{decimals}",
        f"0.{'0' * random.randint(0, 20)}{decimals}",
        f"{digits[0]}.{decimals}e{random.randint(-30, 30)}",
        f"{digits[0]}.{decimals}E{random.choice((1, -1)) * random.randint(4925, 4955)}",
        f"0x{hexadecimals}.{hexadecimals}p{random.randint(-80, 80)}",
        f"0X{hexadecimals}P{random.choice((1, -1)) * random.randint(16200, 16500)}",
        # Around the ends of the 64 bits, where rounding shows.
        f"{(2**64 + random.randint(-20, 20)) << random.randint(0, 8)}.5",
        str(2 ** random.randint(60, 70) + random.randint(-3, 3)),
        repr(random.uniform(-1, 1) * 10 ** random.randint(-20, 20)).lstrip("-"),
    )
    return random.choice(ODD) if random.random() < 0.1 else sign + random.choice(forms)


def test_sums_are_those_of_redis() -> None:
    """Every digit of them, and every refusal: Redis computes with 64 bits of mantissa."""
    random = Random(20)
    pairs = [(some_number(random), some_number(random)) for _ in range(PAIRS)]
    pairs += [(odd, "1") for odd in ODD] + [("1", odd) for odd in ODD]
    node = LocalNode()
    with real_redis() as redis:
        for value, amount in pairs:
            commands = [("SET", "f", value), ("INCRBYFLOAT", "f", amount), ("GET", "f")]
            theirs = redis.ask_all(commands)
            assert [node.run(*command) for command in commands] == theirs, (value, amount)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"3.0e3", b"3000"),
        (b"0.1", b"0.1"),
        (b"-1e-18", b"0"),
        (b"-0.0", b"0"),
        (b"10", b"10"),
        (b"0x1.8p1", b"3"),
        (b"9223372036854775809", b"9223372036854775809"),
    ],
)
def test_a_number_is_shown_without_superfluous_zeros(text: bytes, shown: bytes) -> None:
    """With 17 decimals at most, and no minus before a zero."""
    assert parse_long_double(text).text() == shown


def test_thousands_of_digits_are_read_and_written() -> None:
    """Python itself refuses more than 4300 at once."""
    assert len(parse_long_double(b"1" * 4932).text()) == 4932


@pytest.mark.parametrize("text", [b"1e5000", b"1e-5000", b"nan", b"", b"1 ", b"0" * 5120])
def test_what_no_long_double_can_be_is_refused(text: bytes) -> None:
    """An overflow in writing is an error; the word ``inf`` is a number, whose sum is none."""
    with pytest.raises(NotAFloatError):
        parse_long_double(text)


def test_infinity_is_no_result() -> None:
    """Neither from the word nor from a sum."""
    node = LocalNode()
    error = ErrorReply("ERR increment would produce NaN or Infinity")
    assert node.run("INCRBYFLOAT", "f", "inf") == error
    node.run("SET", "f", "1e4932")
    assert node.run("INCRBYFLOAT", "f", "1e4932") == error
    assert node.run("GET", "f") == b"1e4932"
