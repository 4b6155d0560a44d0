"""What OBJECT says of a key under the policies of eviction."""

from __future__ import annotations

from memcloud.resp import ErrorReply

from .support import LocalNode

ADJUST = (
    "Please note that when switching between policies at runtime LRU and LFU data will take some "
    "time to adjust."
)
NO_LFU = f"ERR An LFU maxmemory policy is not selected, access frequency not tracked. {ADJUST}"
NO_LRU = f"ERR An LFU maxmemory policy is selected, idle time not tracked. {ADJUST}"


def under(policy: str) -> LocalNode:
    """Return a node with one key and this policy."""
    node = LocalNode()
    node.run("CONFIG", "SET", "maxmemory-policy", policy, "lfu-log-factor", "0")
    node.run("SET", "k", "v")
    return node


def test_freq_answers_the_counter_under_lfu() -> None:
    """A key begins with 5, and reading it counts; asking for the counter does not."""
    for policy in ("allkeys-lfu", "volatile-lfu"):
        node = under(policy)
        assert node.run("OBJECT", "FREQ", "k") == 5
        node.run("GET", "k")
        node.run("SET", "k", "w")
        assert node.run("OBJECT", "FREQ", "k") == 7
        assert node.run("OBJECT", "FREQ", "missing") is None


def test_freq_is_an_error_without_lfu() -> None:
    """The text is Redis'."""
    node = under("allkeys-lru")
    assert node.run("OBJECT", "FREQ", "k") == ErrorReply(NO_LFU)
    assert node.run("OBJECT", "FREQ", "missing") is None


def test_idletime_is_an_error_under_lfu() -> None:
    """Redis keeps the counter where the time was; the text is Redis'."""
    node = under("volatile-lfu")
    assert node.run("OBJECT", "IDLETIME", "k") == ErrorReply(NO_LRU)
    assert node.run("OBJECT", "IDLETIME", "missing") is None
    node.run("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
    assert node.run("OBJECT", "IDLETIME", "k") == 0


def test_a_client_that_does_not_touch_does_not_count() -> None:
    """CLIENT NO-TOUCH is for those who look around without warming the cache."""
    node = under("allkeys-lfu")
    node.run("CLIENT", "NO-TOUCH", "on")
    node.run("GET", "k")
    assert node.run("OBJECT", "FREQ", "k") == 5


def test_lfu_decay_time_can_be_set() -> None:
    """0 lets counters stand for ever."""
    node = under("allkeys-lfu")
    node.clock.advance(10 * 60_000)
    assert node.run("OBJECT", "FREQ", "k") == 0
    node.run("CONFIG", "SET", "lfu-decay-time", "0")
    assert node.run("OBJECT", "FREQ", "k") == 5


def test_refcount_knows_which_policies_share_small_numbers() -> None:
    """Redis shares them unless each object keeps its own time or counter."""
    node = under("volatile-ttl")
    node.run("SET", "n", "7")
    assert node.run("OBJECT", "REFCOUNT", "n") == 2147483647
    node.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    assert node.run("OBJECT", "REFCOUNT", "n") == 1
