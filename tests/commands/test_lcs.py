"""LCS: the sequence that Redis finds, of the several that there may be."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcloud.commands.subsequence import common_parts
from memcloud.resp import ErrorReply

from .real_redis import real_redis
from .support import LocalNode

TEXTS = st.lists(st.sampled_from(b"abc"), max_size=20).map(bytes)
PAIRS = 1000


def model(a: bytes, b: bytes) -> list[tuple[int, int]]:
    """Return the positions in common, by the table that the rules speak of, cell by cell."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            longer = max(table[i][j + 1], table[i + 1][j])
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else longer
    taken = []
    i, j = len(a), len(b)
    while i and j:
        if a[i - 1] == b[j - 1]:
            i, j = i - 1, j - 1
            taken.append((i, j))
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return taken


def node_with(a: str, b: str) -> LocalNode:
    """Return a node with two strings."""
    node = LocalNode()
    node.run("MSET", "{t}a", a, "{t}b", b)
    return node


@given(TEXTS, TEXTS)
def test_rows_as_integers_give_the_walk_over_single_cells(a: bytes, b: bytes) -> None:
    """Whichever of the strings is the shorter one."""
    positions = [
        (match.last_a - back, match.last_b - back)
        for match in common_parts(a, b)
        for back in range(match.length)
    ]
    assert positions == model(a, b)


def test_redis_finds_the_same() -> None:
    """Its choice among equally long sequences shows in IDX."""
    random = Random(7)
    node = LocalNode()
    with real_redis() as redis:
        for _ in range(PAIRS):
            letters = random.choice((b"ab", b"abcd", bytes(range(256))))
            texts = [bytes(random.choices(letters, k=random.randrange(30))) for _ in "ab"]
            commands: list[list[Any]] = [["MSET", "{t}a", texts[0], "{t}b", texts[1]]]
            commands += [["LCS", "{t}a", "{t}b", *words] for words in (["IDX"], ["LEN"], [])]
            commands[1] += ["WITHMATCHLEN", "MINMATCHLEN", str(random.randrange(4))]
            assert [node.run(*command) for command in commands] == redis.ask_all(commands), texts


def test_the_forms_of_the_reply() -> None:
    """The sequence, its length, or a map of the parts."""
    node = node_with("ohmytext", "mynewtext")
    assert node.run("LCS", "{t}a", "{t}b") == b"mytext"
    assert node.run("LCS", "{t}a", "{t}b", "LEN") == 6
    assert node.run("LCS", "{t}a", "{t}b", "IDX", protocol=3) == {
        b"matches": [[[4, 7], [5, 8]], [[2, 3], [0, 1]]],
        b"len": 6,
    }


def test_short_parts_can_be_left_out() -> None:
    """They still count for the whole length."""
    reply = node_with("ohmytext", "mynewtext").run(
        *("LCS", "{t}a", "{t}b", "idx", "minmatchlen", 4, "withmatchlen")
    )
    assert reply == [b"matches", [[[4, 7], [5, 8], 4]], b"len", 6]


def test_a_key_that_is_not_there_is_an_empty_string() -> None:
    """LCS says nothing of missing keys."""
    node = node_with("abc", "abc")
    assert node.run("LCS", "{t}a", "{t}x") == b""
    assert node.run("LCS", "{t}y", "{t}x", "LEN") == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["FOO"], "ERR syntax error"),
        (["MINMATCHLEN"], "ERR syntax error"),
        (["MINMATCHLEN", "1.5"], "ERR value is not an integer or out of range"),
        (
            ["IDX", "LEN"],
            "ERR If you want both the length and indexes, please just use IDX.",
        ),
    ],
)
def test_options_that_cannot_be(words: list[str], text: str) -> None:
    """In the words of Redis."""
    assert node_with("a", "b").run("LCS", "{t}a", "{t}b", *words) == ErrorReply(text)


def test_strings_are_refused_from_the_size_on_that_redis_refuses() -> None:
    """Its table for two of 11 585 bytes is the first one larger than proto-max-bulk-len."""
    node = node_with("a" * 11_585, "a" * 11_585)
    assert node.run("LCS", "{t}a", "{t}b", "LEN") == ErrorReply(
        "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
    )
    node = node_with("ab" * 5_792, "ba" * 5_792)
    assert node.run("LCS", "{t}a", "{t}b", "LEN") == 11_583


def test_a_long_and_a_short_string_are_compared_at_once() -> None:
    """Neither of them is walked through byte by byte, whichever comes first."""
    long = b"x" * 30_000_000 + b"y"
    assert [match.first_a for match in common_parts(long, b"y")] == [30_000_000]
    assert [match.first_b for match in common_parts(b"y", long)] == [30_000_000]
