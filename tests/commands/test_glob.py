"""Patterns: their corners, beside a small model, and whatever a stranger sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.commands.glob import Glob

from .real_redis import real_redis

ALPHABET = b"ab*?[]^-\\\xe9"
PATTERNS = st.lists(st.sampled_from(ALPHABET), max_size=12).map(bytes)
TEXTS = st.lists(st.sampled_from(b"abc]^-\\\xe9\n"), max_size=8).map(bytes)


def model(pattern: bytes, text: bytes) -> bool:
    """Say the rules as a recursion, without any thought of what it costs."""
    if not text:
        return not pattern or pattern == b"*"
    return _fits(pattern, text)


def _fits(pattern: bytes, text: bytes) -> bool:
    if not pattern:
        return not text
    if pattern[0] == ord("*"):
        return any(_fits(pattern[1:], text[skip:]) for skip in range(len(text) + 1))
    if not text:
        return False
    fits, length = _one(pattern, text[0])
    return fits and _fits(pattern[length:], text[1:])


def _one(pattern: bytes, byte: int) -> tuple[bool, int]:
    """Return whether the first item of the pattern fits the byte, and how long the item is."""
    if pattern[0] == ord("?"):
        return True, 1
    if pattern[0] == ord("\\") and len(pattern) > 1:
        return pattern[1] == byte, 2
    if pattern[0] != ord("["):
        return pattern[0] == byte, 1
    at = 1 + (pattern[1:2] == b"^")
    found = False
    while at < len(pattern) and pattern[at] != ord("]"):
        if pattern[at] == ord("\\") and at + 1 < len(pattern):
            found |= pattern[at + 1] == byte
            at += 2
        elif pattern[at + 1 : at + 2] == b"-" and at + 2 < len(pattern):
            signed = [number - 256 if number > 127 else number for number in pattern[at : at + 3]]
            low, high = min(signed[0], signed[2]), max(signed[0], signed[2])
            found |= low <= (byte - 256 if byte > 127 else byte) <= high
            at += 3
        else:
            found |= pattern[at] == byte
            at += 1
    return found != (pattern[1:2] == b"^"), at + 1


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (b"h?llo", b"hello", True),
        (b"h?llo", b"hllo", False),
        (b"h*llo", b"hllo", True),
        (b"h*llo", b"heeello", True),
        (b"h[ae]llo", b"hillo", False),
        (b"h[^e]llo", b"hello", False),
        (b"h[a-b]llo", b"hbllo", True),
        (b"h[b-a]llo", b"hallo", True),
        (b"h\\*llo", b"h*llo", True),
        (b"h\\*llo", b"hello", False),
        (b"[\\]]", b"]", True),
        (b"[]a]", b"a]", False),
        (b"[^]", b"x", True),
        (b"[abc", b"c", True),
        (b"[a-]", b"_", True),
        (b"a\\", b"a\\", True),
        (b"?", b"\n", True),
        (b"a*\n", b"a\n", True),
        (b"a", b"a\n", False),
        (b"", b"", True),
        (b"*", b"", True),
        (b"**", b"", False),
        (b"[a-\xe9]", b"a", True),
        (b"[a-\xe9]", b"b", False),
        (b"*ab*ab", b"ab", False),
        (b"*a?*a", b"aba", True),
    ],
)
def test_the_corners_of_the_rules(pattern: bytes, text: bytes, fits: bool) -> None:
    """As a real Redis decides them."""
    assert Glob(pattern).matches(text) is fits


@given(PATTERNS, TEXTS)
def test_any_pattern_fits_what_the_model_says(pattern: bytes, text: bytes) -> None:
    """Pieces between stars are only a faster way to say the same."""
    assert Glob(pattern).matches(text) is model(pattern, text)


def test_a_real_redis_finds_the_same_keys() -> None:
    """The model could be as wrong as the code."""
    keys = [b"", b"a", b"b", b"ab", b"a]", b"^", b"-", b"\\", b"\xe9", b"a\xe9b", b"[a", b"aab"]
    patterns = [b"%c%c%c" % (x, y, z) for x in ALPHABET for y in ALPHABET for z in ALPHABET]
    with real_redis() as redis:
        redis.ask("MSET", *(word for key in keys for word in (key, b"")))
        found = redis.ask_all([("KEYS", pattern) for pattern in patterns])
    for pattern, theirs in zip(patterns, found, strict=True):
        glob = Glob(pattern)
        assert {key for key in keys if glob.matches(key)} == set(theirs), pattern


def test_many_stars_cost_no_more_than_their_number() -> None:
    """One that tries every split of the text would not come back."""
    assert not Glob(b"a*" * 400 + b"b").matches(b"a" * 5000)
    assert Glob(b"*a" * 400).matches(b"a" * 5000)


def test_a_pattern_longer_than_the_text_fits_nothing() -> None:
    """It is not even compiled, so that megabytes of it cost little."""
    assert not Glob(b"?" * 1_000_000).matches(b"short")


def test_case_can_be_ignored() -> None:
    """CONFIG GET and COMMAND LIST do."""
    assert Glob(b"MAX*[A-Z]", ignore_case=True).matches(b"maxmemory")
    assert not Glob(b"MAX*").matches(b"maxmemory")
