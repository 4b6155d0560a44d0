"""What was acknowledged stays: through joins and polite leaves always, in crashes with a copy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memcloud.resp import encode, encode_request
from memcloud.ring import key_slot

from .checks import Writer, ask, assert_copies_equal
from .simulation import Simulation
from .test_cluster import key_of

KEYS = [f"k{n}" for n in range(200)]


def pool(seed: int, size: int, replicas: int, **settings: int) -> Simulation:
    """Start nodes that keep so many copies and wait until they agree."""
    simulation = Simulation(seed)
    for number in range(1, size + 1):
        join = "n1" if number > 1 else None
        simulation.start(f"n{number}", join=join, replicas=replicas, **settings)
    simulation.settle()
    return simulation


def fill(simulation: Simulation, keys: list[str]) -> None:
    """Give all keys a value that names them."""
    words = [word for key in keys for word in (key, f"v{key}")]
    assert ask(simulation, "n1", "MSET", *words) == "OK"


def assert_filled(simulation: Simulation, gateway: str, keys: list[str]) -> None:
    """Fail unless all keys have that value."""
    assert ask(simulation, gateway, "MGET", *keys) == [f"v{key}".encode() for key in keys]


def leave(simulation: Simulation, name: str) -> None:
    """Let a node give away what it has, and stop it then."""
    leaver = simulation.nodes[name]
    simulation.event(leaver, leaver.node.clustering.leave)
    simulation.run_until(lambda: leaver.has_left, 30_000)
    stop(simulation, name)


def stop(simulation: Simulation, name: str) -> None:
    """Let a node that holds nothing any more say goodbye and end."""
    leaver = simulation.nodes[name]
    assert leaver.node.used_bytes == 0
    simulation.event(leaver, leaver.node.mesh.leave)
    simulation.run(10)
    simulation.crash(name)


def keep_writing(
    simulation: Simulation,
    writers: list[Writer],
    duration_ms: int,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Let clients write for a while, or until something holds."""
    end_ms = simulation.clock.now_ms() + duration_ms
    while simulation.clock.now_ms() < end_ms and not is_over():
        for writer in writers:
            writer.step()
        simulation.run(7)


def two_writers(simulation: Simulation) -> list[Writer]:
    """Return clients of the first two nodes."""
    return [
        Writer(simulation, name, [f"{name}:{number}" for number in range(60)])
        for name in ("n1", "n2")
    ]


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("seed", range(1))
def test_a_node_that_joins_gets_its_slots_with_their_keys(seed: int, replicas: int) -> None:
    """Nothing is lost, and nothing is left where it was."""
    simulation = pool(seed, 2, replicas)
    fill(simulation, KEYS)
    simulation.start("n3", join="n1", replicas=replicas)
    simulation.settle()
    assert assert_copies_equal(simulation) == len(KEYS)
    assert simulation.nodes["n3"].node.key_count() > 0
    for name in ("n1", "n2", "n3"):
        assert_filled(simulation, name, KEYS)


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("seed", range(1))
def test_a_node_that_leaves_gives_its_keys_away_first(seed: int, replicas: int) -> None:
    """Also the one that has founded the cluster."""
    simulation = pool(seed, 3, replicas)
    fill(simulation, KEYS)
    leave(simulation, "n1" if seed == 1 else "n3")
    simulation.settle()
    assert assert_copies_equal(simulation) == len(KEYS)
    assert_filled(simulation, "n2", KEYS)


@pytest.mark.parametrize("seed", range(1))
def test_with_a_copy_a_crash_loses_nothing(seed: int) -> None:
    """And then another one, since the copies that were lost are made again."""
    simulation = pool(seed, 4, 2)
    fill(simulation, KEYS)
    for victim in ("n3", "n1"):
        simulation.crash(victim)
        simulation.settle()
        assert assert_copies_equal(simulation) == len(KEYS)
        assert_filled(simulation, "n2", KEYS)


@pytest.mark.parametrize("victim", ["n1", "n3"])
@pytest.mark.parametrize("seed", range(1))
def test_no_acknowledged_write_is_lost_in_a_crash(seed: int, victim: str) -> None:
    """While clients go on writing."""
    simulation = pool(seed, 4, 2)
    writers = two_writers(simulation)
    if victim == "n1":
        writers = writers[1:]
    keep_writing(simulation, writers, 1500)
    simulation.crash(victim)
    keep_writing(simulation, writers, 5000)
    for writer in writers:
        assert writer.acknowledged > 150
        writer.assert_nothing_lost("n2")
    simulation.settle()
    assert_copies_equal(simulation)


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("seed", range(1))
def test_no_acknowledged_write_is_lost_while_nodes_come_and_go(seed: int, replicas: int) -> None:
    """Each write is before or after the move of its slot; the client sees no error for it."""
    simulation = pool(seed, 2, replicas)
    writers = two_writers(simulation)
    keep_writing(simulation, writers, 500)
    simulation.start("n3", join="n1", replicas=replicas)
    keep_writing(simulation, writers, 4000)
    leaver = simulation.nodes["n3"]
    assert leaver.node.key_count() > 0
    simulation.event(leaver, leaver.node.clustering.leave)
    keep_writing(simulation, writers, 10_000, lambda: leaver.has_left)
    stop(simulation, "n3")
    keep_writing(simulation, writers, 500)
    for writer in writers:
        assert writer.acknowledged > 300
        assert writer.unknown == 0
        writer.assert_nothing_lost("n1")


@pytest.mark.parametrize("seed", range(1))
def test_what_was_given_up_and_returns_gets_its_copies_again(seed: int) -> None:
    """It is another run, and holds nothing of before."""
    simulation = pool(seed, 3, 2)
    fill(simulation, KEYS)
    simulation.pause("n3")
    simulation.run(4000)
    fill(simulation, KEYS[:50])
    ask(simulation, "n1", "DEL", *KEYS[50:60])
    simulation.resume("n3")
    simulation.settle()
    assert assert_copies_equal(simulation) == len(KEYS) - 10
    assert_filled(simulation, "n3", KEYS[:50] + KEYS[60:])


def test_a_key_that_has_expired_does_not_come_back() -> None:
    """Its copies know its deadline."""
    simulation = pool(1, 3, 2)
    for key in KEYS[:60]:
        ask(simulation, "n1", "SET", key, "v", "PX", "1500")
    simulation.run(1600)
    assert ask(simulation, "n1", "EXISTS", *KEYS[:60]) == 0
    simulation.crash("n3")
    assert ask(simulation, "n1", "EXISTS", *KEYS[:60]) == 0
    simulation.settle()
    assert assert_copies_equal(simulation) == 0
    assert sum(each.node.aside.used_bytes for each in simulation.running()) == 0


@pytest.mark.parametrize("seed", range(1))
def test_a_key_that_was_evicted_does_not_come_back(seed: int) -> None:
    """A copy drops nothing of its own accord, so it has to be told."""
    simulation = pool(seed, 3, 2, memory_bytes=400_000)
    for key in KEYS:
        ask(simulation, "n1", "SET", key, "x" * 5000)
    simulation.run(500)
    assert sum(each.node.store.evicted_keys for each in simulation.running()) > 0
    assert_copies_equal(simulation)
    gone = [key for key in KEYS if ask(simulation, "n1", "EXISTS", key) == 0]
    assert 0 < len(gone) < len(KEYS)
    simulation.crash("n3")
    simulation.settle()
    assert ask(simulation, "n1", "EXISTS", *gone) == 0
    assert_copies_equal(simulation)


def test_a_reply_waits_until_the_copies_have_what_it_tells() -> None:
    """With the one that has the copy silent, neither a write nor a read after it is answered."""
    simulation = pool(2, 2, 2)
    key = key_of(simulation, "n1")
    simulation.pause("n2")
    client = simulation.connect_client("n1")
    simulation.send("n1", client, request("SET", key, "v") + request("GET", key))
    simulation.run(500)
    assert client not in simulation.nodes["n1"].replies
    simulation.resume("n2")
    simulation.run(50)
    assert simulation.nodes["n1"].replies[client] == b"+OK\r\n$1\r\nv\r\n"


@pytest.mark.parametrize("gateway", ["n1", "n3"])
def test_no_client_sees_what_the_copies_do_not_have(gateway: str) -> None:
    """Neither of the owner nor of another member; what they all have is read at once."""
    simulation = pool(3, 3, 2)
    key, quiet = keys_with_copy_on(simulation, "n1", "n2", 2)
    fill(simulation, [key, quiet])
    simulation.pause("n2")
    writer, reader = simulation.connect_client("n1"), simulation.connect_client(gateway)
    simulation.send("n1", writer, request("SET", key, "new"))
    simulation.run(50)
    simulation.send(gateway, reader, request("GET", quiet) + request("GET", key))
    simulation.run(200)
    assert simulation.nodes[gateway].replies[reader] == encode(f"v{quiet}".encode(), 2)
    assert writer not in simulation.nodes["n1"].replies
    simulation.resume("n2")
    simulation.run(50)
    assert simulation.nodes["n1"].replies[writer] == b"+OK\r\n"
    assert simulation.nodes[gateway].replies[reader].endswith(b"$3\r\nnew\r\n")


def test_that_a_key_has_expired_is_told_when_the_copies_know() -> None:
    """One that knows it later, by its own clock, could show the key again."""
    simulation = pool(3, 2, 2)
    key = key_of(simulation, "n1")
    assert ask(simulation, "n1", "SET", key, "v", "PX", "120") == "OK"
    simulation.run(100)
    simulation.pause("n2")
    simulation.run(25)
    client = simulation.connect_client("n1")
    simulation.send("n1", client, request("GET", key))
    simulation.run(200)
    assert client not in simulation.nodes["n1"].replies
    simulation.resume("n2")
    simulation.run(50)
    assert simulation.nodes["n1"].replies[client] == b"$-1\r\n"


def request(*words: str) -> bytes:
    """Return a command as clients send it."""
    return encode_request([word.encode() for word in words])


def keys_with_copy_on(simulation: Simulation, owner: str, backup: str, count: int) -> list[str]:
    """Return some keys that one node owns and another has the copy of."""
    nodes = {name: each.node.clustering for name, each in simulation.nodes.items()}
    table = nodes[owner].core.table
    assert table is not None
    wanted = (nodes[owner].me, (nodes[backup].me,))
    slots = ((key, table.slots[key_slot(key.encode())]) for key in KEYS)
    return [key for key, slot in slots if (slot.primary, slot.backups) == wanted][:count]
