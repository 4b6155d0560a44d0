"""SET with PINNED and CACHE: who may be evicted, whatever the policy."""

from __future__ import annotations

import pytest

from memcloud.resp import ErrorReply
from memcloud.store import Policy

from .support import LocalNode

OOM = ErrorReply("OOM command not allowed when used memory > 'maxmemory'.")
HALF = b"x" * (1 << 19)


def full_node(policy: str, *words: str) -> LocalNode:
    """Return a node that is full of two values, set with these words."""
    node = LocalNode(memory_bytes=1 << 20)
    node.run("CONFIG", "SET", "maxmemory-policy", policy)
    for key in ("a", "b"):
        assert node.run("SET", key, HALF, *words) == "OK"
    return node


@pytest.mark.parametrize("policy", list(Policy))
def test_a_node_full_of_pinned_entries_refuses_writes(policy: str) -> None:
    """Better an error than a loss, for who asks for it; reads and DEL go on."""
    node = full_node(policy, "PINNED", "EX", "100")
    assert node.run("SET", "k", "v") == OOM
    assert node.run("GET", "a") == HALF
    assert node.run("DEL", "a") == 1
    assert node.run("SET", "k", "v") == "OK"


@pytest.mark.parametrize("policy", list(Policy))
def test_entries_set_as_cache_make_room(policy: str) -> None:
    """Also under noeviction, and without a deadline under volatile policies."""
    node = full_node(policy, "cache")
    assert node.run("SET", "k", "v", "PINNED") == "OK"
    assert node.run("GET", "k") == b"v"
    assert node.run("EXISTS", "a", "b") == 1


def test_a_plain_set_is_pinned_or_not_as_the_policy_says() -> None:
    """As in Redis, and also for keys that were there before the policy."""
    node = full_node("noeviction")
    assert node.run("SET", "k", "v") == OOM
    node.run("CONFIG", "SET", "maxmemory-policy", "allkeys-s3fifo")
    assert node.run("SET", "k", "v") == "OK"
    assert node.run("EXISTS", "a", "b") == 1


def test_a_copy_and_a_new_name_are_as_pinned_as_the_original() -> None:
    """They are the same data."""
    node = LocalNode(memory_bytes=1 << 20)
    node.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    node.run("SET", "a", HALF, "PINNED")
    node.run("COPY", "a", "b")
    node.run("RENAME", "a", "c")
    assert node.run("SET", "k", "v") == OOM
    assert node.run("SET", "c", HALF, "KEEPTTL") == OOM
    node.run("DEL", "b")
    assert node.run("SET", "c", HALF * 2, "KEEPTTL") == "OK"
    assert node.run("SET", "k", "v") == "OK"
    assert node.run("EXISTS", "c") == 0


@pytest.mark.parametrize(
    "words", [("PINNED", "CACHE"), ("CACHE", "PINNED"), ("PINNED", "1"), ("UNPINNED",)]
)
def test_what_contradicts_itself_is_a_syntax_error(words: tuple[str, ...]) -> None:
    """And leaves the key as it was."""
    node = LocalNode()
    assert node.run("SET", "k", "v", *words) == ErrorReply("ERR syntax error")
    assert node.run("GET", "k") is None
    assert node.run("SET", "k", "v", "pinned", "nx", "ex", "10") == "OK"
