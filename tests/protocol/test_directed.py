"""Courses of events that chance rarely takes, set up on purpose."""

from __future__ import annotations

from collections.abc import Callable

from memcloud.protocol.effects import Outcome, Reply
from memcloud.protocol.settings import ISOLATED_MS, Isolation

from .world import Process, World


def ask(world: World, name: str, slot: int, command: str) -> list[Reply]:
    """Let a client ask, and return the list in which the reply will be."""
    process = world.devices[name].process
    assert process is not None
    replies: list[Reply] = []
    world.request(process, slot, command.encode(), replies.append)
    return replies


def tell(world: World, name: str, slot: int, command: str) -> str:
    """Let a client ask and wait for the reply."""
    replies = ask(world, name, slot, command)
    assert world.run_until(lambda: bool(replies), 6000), world.describe()
    assert replies[0].outcome is Outcome.DONE, replies
    return replies[0].reply.decode()


def cluster_of(devices: int, replicas: int, isolation: Isolation = Isolation.AUTO) -> World:
    """Return a cluster in good order."""
    world = World(5, devices=devices, replicas=replicas, isolation=isolation)
    world.start_all()
    return world


def process_of(world: World, name: str) -> Process:
    """Return what runs on a device."""
    process = world.devices[name].process
    assert process is not None
    return process


def write_all(world: World) -> None:
    """Write a key into each slot."""
    for slot in range(world.slot_count):
        assert tell(world, "a", slot, f"SET k{slot} v{slot}") == "OK"


def read_all(world: World, name: str) -> list[str]:
    """Return the key of each slot."""
    return [tell(world, name, slot, f"GET k{slot}") for slot in range(world.slot_count)]


WRITTEN = [f"v{slot}" for slot in range(8)]


def served_again_ms(world: World, name: str, slots: Callable[[], list[int]]) -> float:
    """Return how long it takes until all slots answer."""
    started_ms = world.now_ms
    for slot in slots():
        tell(world, name, slot, f"GET k{slot}")
    return world.now_ms - started_ms


def test_a_pair_outlives_the_death_of_either() -> None:
    """Two laptops: with a replica nothing is lost, and service is back within 3 s."""
    for victim, other in (("a", "b"), ("b", "a")):
        world = cluster_of(2, 2)
        write_all(world)
        world.crash(victim)
        assert served_again_ms(world, other, lambda: list(range(8))) < 3000
        assert read_all(world, other) == WRITTEN
        assert not world.violations


def test_without_replicas_a_crash_loses_what_the_victim_had() -> None:
    """Its slots come back empty, the others stay."""
    world = cluster_of(3, 1)
    write_all(world)
    table = process_of(world, "a").core.table
    assert table is not None
    lost = [slot for slot, at in enumerate(table.slots) if at.primary.device == "c"]
    world.crash("c")
    assert served_again_ms(world, "a", lambda: lost) < 3500
    expected = ["nil" if slot in lost else f"v{slot}" for slot in range(8)]
    assert read_all(world, "b") == expected


def test_those_who_are_cut_off_go_on_with_a_full_copy() -> None:
    """Half of a cluster that has every slot founds one of its own, with the data."""
    world = cluster_of(2, 2)
    write_all(world)
    world.cut("a", "b")
    world.run(ISOLATED_MS + 4000)
    assert read_all(world, "a") == WRITTEN
    assert read_all(world, "b") == WRITTEN
    assert process_of(world, "a").core.table != process_of(world, "b").core.table


def test_those_who_are_cut_off_start_empty_without_a_full_copy() -> None:
    """Rather a miss than half a truth."""
    world = cluster_of(3, 1)
    write_all(world)
    world.cut_off({"c"})
    world.run(ISOLATED_MS + 4000)
    assert read_all(world, "c") == ["nil"] * 8


def test_those_who_refuse_to_be_isolated_wait() -> None:
    """No second history comes to be, however long it takes."""
    world = cluster_of(2, 2, Isolation.REFUSE)
    write_all(world)
    world.cut("a", "b")
    world.run(60_000)
    replies = ask(world, "b", 0, "GET k0")
    world.run(6000)
    assert [reply.outcome for reply in replies] == [Outcome.REFUSED]
    world.heal()
    assert world.run_until(world.is_settled, 20_000)
    assert read_all(world, "b") == WRITTEN


def test_when_clusters_meet_the_older_ones_values_win() -> None:
    """What only the younger one has is kept, what was deleted does not come back."""
    world = cluster_of(2, 2)
    write_all(world)
    world.cut("a", "b")
    world.run(ISOLATED_MS + 4000)
    tell(world, "a", 0, "DEL k0")
    tell(world, "a", 1, "SET k1 older")
    tell(world, "b", 1, "SET k1 younger")
    tell(world, "b", 2, "SET new younger")
    world.heal()
    assert world.run_until(world.is_settled, 30_000), world.describe()
    assert tell(world, "b", 0, "GET k0") == "nil"
    assert tell(world, "b", 1, "GET k1") == "older"
    assert tell(world, "a", 2, "GET new") == "younger"
    assert tell(world, "a", 3, "GET k3") == "v3"


def test_a_move_is_refused_before_data_is_sent_where_room_lacks() -> None:
    """The target says what it has; nothing is evicted, and the slots stay."""
    world = World(5, devices=2, replicas=1)
    world.start("a")
    assert world.run_until(world.is_settled, 5000)
    write_all(world)
    world.start("b")
    process_of(world, "b").store.limit_bytes = 3
    world.run(5000)
    moves = process_of(world, "a").core.moves
    assert moves.refused_bytes == {process_of(world, "b").me: 3}
    assert not process_of(world, "b").store.slots
    assert read_all(world, "b") == WRITTEN


def test_deadlines_travel_as_what_is_left() -> None:
    """Clocks of devices have nothing to do with each other."""
    world = World(5, devices=2, replicas=1)
    world.start("a")
    assert world.run_until(world.is_settled, 5000)
    for slot in range(8):
        tell(world, "a", slot, f"SET k{slot} v 10000")
    world.start("b")
    assert world.run_until(world.is_settled, 20_000)
    assert read_all(world, "a") == ["v"] * 8
    world.run(10_500)
    assert read_all(world, "a") == ["nil"] * 8


def test_all_killed_at_once_come_back_empty_and_later() -> None:
    """The epoch goes on rising, and no old value is there."""
    world = cluster_of(3, 2)
    write_all(world)
    table = process_of(world, "a").core.table
    assert table is not None
    for name in "abc":
        world.crash(name)
    for name in "abc":
        world.start(name)
    assert world.run_until(world.is_settled, 15_000)
    assert read_all(world, "b") == ["nil"] * 8
    after = process_of(world, "a").core.table
    assert after is not None
    assert after.epoch > table.epoch


def test_a_primary_evicts_for_its_backups() -> None:
    """A backup changes nothing by itself; what its primary drops, it is told."""
    world = cluster_of(2, 2)
    write_all(world)
    table = process_of(world, "a").core.table
    assert table is not None
    process = process_of(world, table.slots[0].primary.device)
    backup = process_of(world, table.slots[0].backups[0].device)

    def evict(now_ms: int) -> None:
        process.store.apply(0, b"gone k0", now_ms)
        process.core.replicate(now_ms, 0, b"gone k0")

    world.event(process, evict)
    world.run(500)
    assert "k0" not in backup.store.slots.get(0, {})
    world.check_quiet()
    assert not world.violations
