"""OBJECT and MEMORY: how values are kept, and what they take."""

from __future__ import annotations

import pytest

from memcloud.resp import ErrorReply, Verbatim

from .support import LocalNode

SYNTAX_ERROR = ErrorReply("ERR syntax error")


def node_with(value: str, **settings: object) -> LocalNode:
    """Return a node with one string."""
    node = LocalNode(**settings)
    node.run("SET", "k", value)
    return node


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        ("12", b"int"),
        ("-9223372036854775808", b"int"),
        ("9223372036854775808", b"embstr"),
        ("012", b"embstr"),
        ("1.5", b"embstr"),
        ("", b"embstr"),
        ("x" * 44, b"embstr"),
        ("x" * 45, b"raw"),
    ],
)
def test_encoding_is_what_redis_would_choose(value: str, encoding: bytes) -> None:
    """For a value that was just set."""
    assert node_with(value).run("OBJECT", "ENCODING", "k") == encoding


@pytest.mark.parametrize(
    ("value", "count"), [("0", 2147483647), ("9999", 2147483647), ("10000", 1), ("-1", 1), ("x", 1)]
)
def test_small_numbers_have_the_count_of_shared_objects(value: str, count: int) -> None:
    """Which Redis reports as the largest number of 32 bits."""
    assert node_with(value).run("OBJECT", "REFCOUNT", "k") == count


def test_nothing_is_shared_under_lru() -> None:
    """Since a shared object could keep no time of access of its own."""
    node = node_with("1")
    node.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    assert node.run("OBJECT", "REFCOUNT", "k") == 1


def test_idletime_is_in_whole_seconds_and_does_not_touch() -> None:
    """To look at a key's age must not make it young."""
    node = node_with("x")
    node.clock.advance(3999)
    assert [node.run("OBJECT", "IDLETIME", "k") for _ in "12"] == [3, 3]
    node.run("GET", "k")
    assert node.run("OBJECT", "IDLETIME", "k") == 0


def test_freq_is_for_a_policy_that_counts() -> None:
    """The error is Redis' own; without the key there is none."""
    node = node_with("x")
    reply = node.run("OBJECT", "FREQ", "k")
    assert reply.text.startswith("ERR An LFU maxmemory policy is not selected, access frequency")
    assert node.run("OBJECT", "FREQ", "none") is None


@pytest.mark.parametrize("subcommand", ["ENCODING", "IDLETIME", "REFCOUNT", "FREQ"])
def test_a_missing_key_is_null(subcommand: str) -> None:
    """And its own number of arguments is checked."""
    node = LocalNode()
    assert node.run("OBJECT", subcommand, "none") is None
    name = subcommand.lower()
    assert node.run("OBJECT", subcommand) == ErrorReply(
        f"ERR wrong number of arguments for 'object|{name}' command"
    )


@pytest.mark.parametrize("container", ["OBJECT", "MEMORY"])
def test_the_containers_explain_themselves(container: str) -> None:
    """And know no other subcommands."""
    node = LocalNode()
    lines = node.run(container, "HELP")
    assert lines[0] == f"{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert lines[-2] == "HELP"
    assert node.run(container, "FOO") == ErrorReply(
        f"ERR unknown subcommand 'FOO'. Try {container} HELP."
    )


def test_memory_usage_is_what_the_key_is_accounted_for() -> None:
    """So that the sum over all keys is what the node uses."""
    node = node_with("x" * 1000)
    node.run("SET", "other", "y", "EX", 100)
    sizes = [node.run("MEMORY", "USAGE", key) for key in ("k", "other")]
    assert sizes[0] > 1000
    assert sum(sizes) == node.node.store.used_bytes
    assert node.run("MEMORY", "USAGE", "k", "SAMPLES", "0", "samples", "5") == sizes[0]
    assert node.run("MEMORY", "USAGE", "none") is None


@pytest.mark.parametrize("line", ["SAMPLES", "SAMPLES -1", "FOO", "SAMPLES 1 FOO", "FOO 1"])
def test_memory_usage_has_one_option(line: str) -> None:
    """With a count that is not negative."""
    assert node_with("x").run("MEMORY", "USAGE", "k", *line.split()) == SYNTAX_ERROR


def test_the_samples_are_a_number() -> None:
    """Looked at even if the key is missing."""
    error = ErrorReply("ERR value is not an integer or out of range")
    assert LocalNode().run("MEMORY", "USAGE", "none", "SAMPLES", "x") == error


def test_the_doctor_speaks_up_when_the_node_is_nearly_full() -> None:
    """Otherwise it only says how full."""
    node = node_with("x", memory_bytes=100_000)
    assert b"nearly full" not in node.run("MEMORY", "DOCTOR")
    node.run("SET", "k", "x" * 97_000)
    reply = node.run("MEMORY", "DOCTOR", protocol=3)
    assert isinstance(reply, Verbatim)
    assert b"nearly full" in reply.data


def test_the_statistics_agree_with_the_store() -> None:
    """A map of Redis' fields."""
    node = node_with("x" * 1000)
    node.run("DEL", "k")
    node.run("SET", "k", "x")
    store = node.node.store
    stats = node.run("MEMORY", "STATS", protocol=3)
    assert stats[b"total.allocated"] == stats[b"dataset.bytes"] == store.used_bytes
    assert stats[b"peak.allocated"] == store.peak_bytes > store.used_bytes
    assert (stats[b"keys.count"], stats[b"keys.bytes-per-key"]) == (1, store.used_bytes)
    assert LocalNode().run("MEMORY", "STATS")  # of an empty node, without dividing by zero
