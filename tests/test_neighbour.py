"""A node on a host that runs short of memory and recovers."""

from __future__ import annotations

from typing import Any

from memcloud.effects import ReturnMemory
from memcloud.host import FixedHost
from memcloud.neighbour import SLICE_KEYS
from memcloud.pressure import CALM_MS, GROW_MS, Pressure
from memcloud.resp import ErrorReply
from memcloud.store import Policy
from tests.commands.support import LocalNode

TOTAL = 100 << 20
CALM = Pressure(TOTAL, TOTAL)
SHORT = Pressure(0, TOTAL)  # 10 MiB are missing
LIMIT = 4 << 20


def full_node(**settings: Any) -> LocalNode:
    """Return a node with 2000 keys of about 1 KiB."""
    node = LocalNode(**{"memory_bytes": LIMIT, "policy": Policy.ALLKEYS_LRU, **settings})
    for number in range(2000):
        assert node.run("SET", f"key:{number}", "x" * 1000) == "OK"
    return node


def look(node: LocalNode, pressure: Pressure) -> int:
    """Let the node look at its host and evict what it wants to; return the number of slices."""
    host = node.node.host
    assert isinstance(host, FixedHost)
    host.pressure = pressure
    before = node.node.store.evicted_keys
    node.advance(100)
    slices = 1
    while node.node.neighbour.has_work:
        assert node.node.store.evicted_keys - before <= slices * SLICE_KEYS
        node.node.neighbour.run_slice()
        slices += 1
    return slices


def memory(node: LocalNode) -> dict[str, str]:
    """Return the fields of INFO memory."""
    text = node.run("INFO", "memory")
    lines = (line.partition(":") for line in text.decode().splitlines())
    return {name: value for name, _, value in lines}


def test_a_short_host_is_given_back_a_part_of_the_keys() -> None:
    """Cache entries are worth less than the programs of the machine's owner."""
    node = full_node()
    used_bytes = node.node.store.used_bytes
    assert look(node, SHORT) > 1
    given_bytes = used_bytes - node.node.store.used_bytes
    assert LIMIT // 4 <= given_bytes < LIMIT // 4 + 2000
    facts = memory(node)
    assert facts["memcloud_pressure"] == "pressed"
    assert facts["memcloud_given_back"] == str(given_bytes)
    assert node.node.store.used_bytes <= int(facts["memcloud_effective_limit"]) < LIMIT
    assert facts["maxmemory"] == str(LIMIT)
    assert node.run("CONFIG", "GET", "maxmemory") == [b"maxmemory", str(LIMIT).encode()]


def test_what_is_kept_for_others_counts_for_the_ceiling_and_is_not_evicted_twice() -> None:
    """Else the next command that writes would evict as much again as is kept, in one go."""
    node = full_node()
    store = node.node.store
    reserved_bytes = store.reserved_bytes = LIMIT // 4
    used_bytes = store.used_bytes
    look(node, SHORT)
    given_bytes = used_bytes - store.used_bytes
    assert LIMIT // 4 <= given_bytes < LIMIT // 4 + 2000
    assert store.ceiling_bytes is not None
    assert store.used_bytes <= store.effective_limit_bytes == store.ceiling_bytes - reserved_bytes
    assert store.make_room()
    assert store.used_bytes == used_bytes - given_bytes


def test_pages_are_returned_after_keys_were_evicted() -> None:
    """An allocator that keeps them would have evicted for nothing."""
    node = full_node()
    look(node, SHORT)
    assert ReturnMemory() in node.node.take_effects()
    look(node, CALM)
    assert ReturnMemory() not in node.node.take_effects()


def test_while_pressed_new_keys_take_the_place_of_old_ones() -> None:
    """The cache goes on, smaller; no write has to evict more than what it adds."""
    node = full_node()
    look(node, SHORT)
    ceiling_bytes = node.node.store.effective_limit_bytes
    for number in range(100):
        assert node.run("SET", f"new:{number}", "x" * 1000) == "OK"
    assert node.node.store.used_bytes <= ceiling_bytes + 2000


def test_between_slices_a_write_evicts_no_more_than_it_adds() -> None:
    """The ceiling follows eviction: else the first write would have to do all of it at once."""
    node = full_node()
    host = node.node.host
    assert isinstance(host, FixedHost)
    host.pressure = SHORT
    node.advance(100)
    assert node.node.neighbour.has_work
    evicted_keys = node.node.store.evicted_keys
    assert node.run("SET", "new", "x" * 1000) == "OK"
    assert node.node.store.evicted_keys - evicted_keys <= 2


def test_without_eviction_keys_stay_and_growth_is_refused() -> None:
    """Under noeviction the owner of the keys was promised that they stay."""
    node = full_node(policy=Policy.NOEVICTION)
    used_bytes = node.node.store.used_bytes
    look(node, SHORT)
    assert node.node.store.used_bytes == used_bytes
    assert node.node.store.effective_limit_bytes == used_bytes
    node.run("SET", "new", "value")
    assert isinstance(node.run("SET", "newer", "value"), ErrorReply)
    assert node.run("DEL", *(f"key:{number}" for number in range(10))) == 10
    assert node.run("SET", "newer", "value") == "OK"


def test_blocks_outlive_any_pressure() -> None:
    """A block has no key by which anybody could make it again."""
    node = full_node(memory_bytes=LIMIT)
    blocks = [node.run("STORE", "x" * 10_000) for _ in range(100)]
    for _ in range(30):
        look(node, SHORT)
    assert all(node.run("LOAD", block) == b"x" * 10_000 for block in blocks)
    assert node.node.store.effective_limit_bytes >= node.node.store.blocks.used_bytes
    assert node.run("DBSIZE") == 0


def test_a_calm_host_gets_its_full_cache_back() -> None:
    """Step by step, up to the limit that was configured and not beyond."""
    node = full_node()
    look(node, SHORT)
    limits = []
    for _ in range(0, CALM_MS + 16 * GROW_MS, 100):
        look(node, CALM)
        limits.append(node.node.store.effective_limit_bytes)
    assert limits == sorted(limits)
    assert limits[-1] == LIMIT
    assert memory(node)["memcloud_pressure"] == "calm"


def test_a_lower_maxmemory_holds_while_shrunk() -> None:
    """The ceiling is a second limit and never lifts the first."""
    node = full_node()
    look(node, SHORT)
    assert node.run("CONFIG", "SET", "maxmemory", "512kb") == "OK"
    assert node.node.store.effective_limit_bytes == 1 << 19
    assert memory(node)["maxmemory"] == str(1 << 19)
