"""What holds for a cluster whatever the network does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from memcloud.ring import key_slot
from memcloud.routing import HELD, HERE

from .simulation import Simulation

NAMES = ["n1", "n2", "n3"]


def cluster(seed: int, *, size: int = 3) -> Simulation:
    """Start nodes that know the first of them and wait until they agree."""
    simulation = Simulation(seed)
    for number in range(1, size + 1):
        simulation.start(f"n{number}", join="n1" if number > 1 else None)
    simulation.settle()
    return simulation


def key_of(simulation: Simulation, name: str) -> str:
    """Return a key that the named node owns."""
    member = simulation.nodes[name].node.membership
    return next(
        key
        for key in (f"key{n}" for n in range(10_000))
        if member.owners[key_slot(key.encode())] == member.me.id
    )


def keys_of(simulation: Simulation, name: str, keys: list[str]) -> list[str]:
    """Return those of the keys that the named node owns."""
    member = simulation.nodes[name].node.membership
    return [key for key in keys if member.owners[key_slot(key.encode())] == member.me.id]


@pytest.mark.parametrize("seed", range(2))
def test_any_node_serves_any_key(seed: int) -> None:
    """Three nodes look like one Redis to the clients of each."""
    simulation = cluster(seed)
    for number in range(20):
        assert (
            simulation.command(NAMES[number % 3], "SET", f"k{number}", f"v{number}") == b"+OK\r\n"
        )
    for number in range(20):
        for name in NAMES:
            reply = simulation.command(name, "GET", f"k{number}")
            assert reply == f"${len(str(number)) + 1}\r\nv{number}\r\n".encode()


def test_multi_key_commands_work_over_owners() -> None:
    """The gateway splits them and joins the replies in the order of the keys."""
    simulation = cluster(1)
    pairs = [word for n in range(30) for word in (f"k{n}", f"v{n}")]
    keys = pairs[::2]
    assert simulation.command("n1", "MSET", *pairs) == b"+OK\r\n"
    expected = b"*30\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(v), v.encode()) for v in pairs[1::2])
    assert simulation.command("n2", "MGET", *keys) == expected
    assert simulation.command("n3", "EXISTS", *keys, "nothing") == b":30\r\n"
    assert simulation.command("n1", "DBSIZE") == b":30\r\n"
    assert simulation.command("n2", "KEYS", "*").startswith(b"*30\r\n")
    assert simulation.command("n3", "SCAN", "0", "COUNT", "100").startswith(
        b"*2\r\n$1\r\n0\r\n*30\r\n"
    )
    assert simulation.command("n1", "RANDOMKEY").startswith(b"$")
    assert simulation.command("n1", "DEL", *keys[:10]) == b":10\r\n"
    assert simulation.command("n2", "FLUSHALL") == b"+OK\r\n"
    assert simulation.command("n3", "DBSIZE") == b":0\r\n"


def test_a_scan_gives_every_key_once() -> None:
    """Pages of all members are joined by position, so none is skipped at the borders."""
    simulation = cluster(2)
    keys = {f"key:{n}" for n in range(300)}
    for key in sorted(keys):
        simulation.command("n1", "SET", key, "v")
    cursor, found = "0", list[str]()
    while True:
        lines = simulation.command("n2", "SCAN", cursor, "COUNT", "20").decode().split("\r\n")
        cursor = lines[2]
        found += [line for line in lines[4:] if line.startswith("key:")]
        if cursor == "0":
            break
    assert sorted(found) == sorted(keys)


def test_atomic_commands_over_slots_are_refused() -> None:
    """RENAME would have to be atomic over two members, which it cannot be."""
    simulation = cluster(3)
    there, here = key_of(simulation, "n1"), key_of(simulation, "n2")
    simulation.command("n1", "SET", there, "v")
    assert simulation.command("n1", "RENAME", there, here).startswith(b"-CROSSSLOT ")
    assert simulation.command("n3", "RENAME", there, f"{{{there}}}2") == b"+OK\r\n"


@pytest.mark.parametrize("seed", range(2))
def test_a_crash_costs_the_slots_of_the_dead_and_no_more(seed: int) -> None:
    """The others take its slots over, empty, and clients go on."""
    simulation = cluster(seed)
    keys = [f"k{n}" for n in range(100)]
    simulation.command("n1", "MSET", *(word for key in keys for word in (key, "v")))
    lost = keys_of(simulation, "n3", keys)
    kept = [key for key in keys if key not in lost]
    simulation.crash("n3")
    simulation.settle()
    assert simulation.command("n2", "EXISTS", *kept) == b":%d\r\n" % len(kept)
    assert simulation.command("n2", "EXISTS", *lost) == b":0\r\n"
    assert simulation.command("n1", "SET", lost[0], "w") == b"+OK\r\n"


def test_a_crash_is_noticed_at_once_and_served_again_when_leases_are_over() -> None:
    """A machine that is gone leaves 1.2 s of silence first; a process only a closed port."""
    simulation = cluster(4)
    key = key_of(simulation, "n3")
    started_ms = simulation.clock.now_ms()
    simulation.crash("n3")
    simulation.run_until(lambda: len(simulation.nodes["n1"].node.membership.members) == 2, 500)
    assert simulation.command("n1", "SET", key, "v") == b"+OK\r\n"
    assert simulation.clock.now_ms() - started_ms < 2500


def test_a_write_in_flight_to_a_dead_member_is_reported_as_unknown() -> None:
    """It may have happened or not; saying OK or failing silently would both be lies."""
    simulation = cluster(4)
    key = key_of(simulation, "n2")
    simulation.pause("n2")
    client = simulation.connect_client("n1")
    simulation.send("n1", client, f"SET {key} v\r\n".encode())
    simulation.run(100)
    simulation.crash("n2")
    simulation.run_until(lambda: client in simulation.nodes["n1"].replies)
    assert simulation.nodes["n1"].replies[client].startswith(b"-UNKNOWN ")
    assert simulation.command("n1", "SET", key, "v") == b"+OK\r\n"


def test_a_read_in_flight_to_a_dead_member_is_asked_of_the_new_owner() -> None:
    """A read may be run twice, so the client need not hear of it."""
    simulation = cluster(5)
    key = key_of(simulation, "n2")
    simulation.pause("n2")
    client = simulation.connect_client("n1")
    simulation.send("n1", client, f"GET {key}\r\n".encode())
    simulation.run(100)
    simulation.crash("n2")
    simulation.run_until(lambda: client in simulation.nodes["n1"].replies)
    assert simulation.nodes["n1"].replies[client] == b"$-1\r\n"


def test_a_paused_member_delays_only_its_own_keys() -> None:
    """Replies of the other members do not wait for the one that is stopped."""
    simulation = cluster(6)
    simulation.pause("n3")
    for name in ("n1", "n2"):
        before_ms = simulation.clock.now_ms()
        simulation.command("n1", "SET", key_of(simulation, name), "v")
        assert simulation.clock.now_ms() - before_ms < 100


@pytest.mark.parametrize("seed", range(2))
def test_a_member_that_was_given_up_comes_back_empty_as_another_run(seed: int) -> None:
    """What it held may have been overwritten or deleted meanwhile on those who went on."""
    simulation = cluster(seed)
    key = key_of(simulation, "n3")
    simulation.command("n1", "SET", key, "old")
    before = simulation.nodes["n3"].node.clustering.me
    simulation.pause("n3")
    simulation.run_until(lambda: len(simulation.nodes["n1"].node.membership.members) == 2)
    simulation.settle()
    simulation.command("n1", "SET", key, "new")
    simulation.resume("n3")
    simulation.settle()
    assert simulation.nodes["n3"].node.clustering.me == (before.device, before.incarnation + 1)
    for name in NAMES:
        assert simulation.command(name, "GET", key) == b"$3\r\nnew\r\n"
    assert simulation.command("n3", "SET", key, "newest") == b"+OK\r\n"
    assert simulation.command("n2", "GET", key) == b"$6\r\nnewest\r\n"


@pytest.mark.parametrize("seed", range(2))
def test_a_short_pause_costs_nothing(seed: int) -> None:
    """A second of garbage collection or of a busy disk is no reason to give anybody up."""
    simulation = cluster(seed)
    key = key_of(simulation, "n3")
    simulation.command("n1", "SET", key, "v")
    simulation.pause("n3")
    simulation.run(900)
    simulation.resume("n3")
    assert simulation.command("n1", "GET", key) == b"$1\r\nv\r\n"
    assert len(simulation.nodes["n1"].node.membership.members) == 3


@pytest.mark.parametrize("seed", range(2))
def test_of_a_split_network_only_the_side_with_the_quorum_goes_on(seed: int) -> None:
    """The other side refuses, then begins anew; when the network heals there is one cluster."""
    simulation = cluster(seed)
    mine = key_of(simulation, "n3")
    theirs = key_of(simulation, "n1")
    simulation.command("n1", "MSET", mine, "v", theirs, "v")
    simulation.cut = {frozenset(("n1", "n3")), frozenset(("n2", "n3"))}
    simulation.run(2100)  # until its lease is over
    refused = simulation.command("n3", "SET", mine, "w")
    assert refused.startswith((b"-TRYAGAIN ", b"-UNKNOWN ")), refused
    simulation.run_until(lambda: len(simulation.nodes["n1"].node.membership.members) == 2)
    assert simulation.command("n1", "GET", theirs) == b"$1\r\nv\r\n"
    assert simulation.command("n2", "SET", mine, "new") == b"+OK\r\n"
    simulation.run_until(lambda: simulation.nodes["n3"].node.membership.is_alone)
    assert simulation.command("n3", "SET", mine, "alone") == b"+OK\r\n"
    simulation.cut = set()
    simulation.settle(30_000)
    for name in NAMES:
        assert simulation.command(name, "MGET", mine, theirs) == b"*2\r\n$3\r\nnew\r\n$1\r\nv\r\n"
    assert simulation.command("n3", "SET", "k", "v") == b"+OK\r\n"
    assert simulation.command("n1", "GET", "k") == b"$1\r\nv\r\n"


def test_a_side_without_the_quorum_refuses_for_8_seconds() -> None:
    """Whoever is cut off cannot know sooner that the others do not come back."""
    simulation = cluster(5)
    key = key_of(simulation, "n3")
    cut_ms = simulation.clock.now_ms()
    simulation.cut = {frozenset(("n1", "n3")), frozenset(("n2", "n3"))}
    node = simulation.nodes["n3"].node
    simulation.run_until(lambda: not node.clustering.has_lease)
    assert 1700 < simulation.clock.now_ms() - cut_ms <= 2100
    assert simulation.command("n3", "GET", key).startswith(b"-TRYAGAIN ")
    simulation.run_until(lambda: node.membership.is_alone, 20_000)
    assert 9500 < simulation.clock.now_ms() - cut_ms < 12_500
    assert simulation.command("n3", "GET", key) == b"$-1\r\n"


@pytest.mark.parametrize("seed", range(2))
def test_every_command_gets_exactly_one_reply(seed: int) -> None:
    """Crash and pause may turn an answer into an error, never into silence or two answers."""
    simulation = cluster(seed)
    clients = {name: simulation.connect_client(name) for name in ("n1", "n2")}
    sent = dict.fromkeys(clients, 0)
    for step in range(300):
        name = simulation.random.choice(sorted(clients))
        key = simulation.random.randrange(50)
        command = (
            f"GET k{key}\r\n" if simulation.random.random() < 0.5 else f"SET k{key} {step}\r\n"
        )
        simulation.send(name, clients[name], command.encode())
        sent[name] += 1
        simulation.run(20)
        if step == 100:
            simulation.pause("n3")
        if step == 200:
            simulation.resume("n3")
        if step == 250:
            simulation.crash("n3")
    simulation.run(10_000)
    for name, client in clients.items():
        assert count_replies(simulation.nodes[name].replies[client]) == sent[name]


@pytest.mark.parametrize("seed", range(2))
def test_the_same_seed_gives_the_same_trace(seed: int) -> None:
    """Without this, a failure found by a seed could not be replayed."""
    assert storm(seed) == storm(seed)


def storm(seed: int) -> str:
    """Run a short troubled life of a cluster and return its trace."""
    simulation = cluster(seed)
    for step in range(20):
        simulation.command(NAMES[step % 2], "SET", f"k{step}", "v")
    simulation.crash("n3")
    simulation.run(2000)
    return simulation.trace


def test_the_trace_does_not_depend_on_hash_randomisation() -> None:
    """Sets of str and bytes iterate in another order in each process: the core must not notice."""
    code = "from tests.sim.test_cluster import storm; print(storm(7))"
    traces = set()
    for hash_seed in ("0", "1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
        traces.add(run.stdout)
    assert len(traces) == 1


def test_blocks_are_found_from_every_node() -> None:
    """The id alone says whom to ask."""
    simulation = cluster(8)
    reply = simulation.command("n1", "STORE", "Hello World")
    identifier = reply.split(b"\r\n")[1].decode()
    for name in NAMES:
        assert simulation.command(name, "LOAD", identifier) == b"$11\r\nHello World\r\n"
    assert simulation.command("n2", "FREE", identifier, "12345") == b":1\r\n"
    assert simulation.command("n3", "LOAD", identifier) == b"$-1\r\n"


def test_a_block_on_a_named_peer_is_there_and_says_when_it_is_away() -> None:
    """Its bytes are on that peer and nowhere else."""
    simulation = cluster(9)
    reply = simulation.command("n1", "STORE", "x", "PEER", "n3")
    identifier = reply.split(b"\r\n")[1].decode()
    assert list(simulation.nodes["n3"].node.store.held.keys()) == [identifier.encode()]
    assert simulation.command("n2", "LOAD", identifier) == b"$1\r\nx\r\n"
    assert simulation.command("n2", "STORE", "x", "PEER", "nobody").startswith(b"-NOPEER ")
    before = simulation.nodes["n1"].node.membership.table.owners
    simulation.crash("n3")
    simulation.settle()
    assert before != simulation.nodes["n1"].node.membership.table.owners
    assert simulation.command("n1", "LOAD", identifier) == b"-PEERDOWN n3\r\n"
    assert simulation.command("n1", "STORE", "x", "PEER", "n3") == b"-PEERDOWN n3\r\n"


def test_freeing_a_block_on_a_named_peer_gives_its_memory_back() -> None:
    """The pointer and the bytes are on different members."""
    simulation = cluster(10)
    reply = simulation.command("n1", "STORE", "x" * 1000, "PEER", "n2")
    identifier = reply.split(b"\r\n")[1].decode()
    assert simulation.command("n3", "FREE", identifier) == b":1\r\n"
    assert all(each.node.store.used_bytes == 0 for each in simulation.nodes.values())


def test_a_second_node_of_the_same_name_stops_with_a_sentence() -> None:
    """PEER n1 would be ambiguous; the newcomer gives way."""
    simulation = cluster(11, size=2)
    simulation.run(1000)
    port = simulation.nodes["n1"].port
    first = simulation.nodes.pop("n1")
    simulation.nodes["elder"] = first
    twin = simulation.start("n1", join="elder")
    simulation.run(2000)
    assert first.stop_reason is None
    assert twin.stop_reason is not None
    assert f"the name 'n1' is taken by the node on port {port}" in twin.stop_reason


def test_pools_of_different_names_stay_apart() -> None:
    """Two teams on one network."""
    simulation = cluster(12, size=2)
    stranger = simulation.start("s1", join="n1", cluster="other")
    simulation.run(3000)
    assert stranger.node.membership.is_alone
    assert len(simulation.nodes["n1"].node.membership.members) == 2
    reply = simulation.command(
        "s1", "PEER", "CONNECT", "127.0.0.1", str(simulation.nodes["n1"].port)
    )
    assert reply == b"-ERR n1 is in cluster 'default', not 'other'\r\n"


def test_connecting_says_how_it_went() -> None:
    """Nobody there, oneself, and success."""
    simulation = cluster(13, size=1)
    other = simulation.start("lonely")
    own = simulation.command("n1", "PEER", "CONNECT", "127.0.0.1", str(simulation.nodes["n1"].port))
    assert own == b"-ERR that is this node itself\r\n"
    nobody = simulation.command("n1", "PEER", "CONNECT", "127.0.0.1", "9999")
    assert nobody.startswith(b"-ERR nothing answers at 127.0.0.1:19999")
    found = simulation.command("n1", "PEER", "CONNECT", "127.0.0.1", str(other.port))
    assert found == b"+OK\r\n"
    simulation.settle()


def test_garbage_on_the_peer_port_closes_only_its_own_connection() -> None:
    """Whatever is not a frame of ours is not looked at any further."""
    simulation = cluster(14)
    node = simulation.nodes["n1"].node
    for garbage in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00" * 100,
        b"\xff" * 100,
        b"*1\r\n$4\r\nPING\r\n",
    ):
        link = node.mesh.opened("127.0.0.1", 50000, is_outgoing=False)
        node.mesh.received(link, garbage)
        assert link not in [each.id for each in node.mesh.links]
    simulation.run(1000)
    assert simulation.agree()


def id_of(simulation: Simulation, name: str) -> str:
    return simulation.nodes[name].node.membership.me.id


def test_all_keys_are_looked_through_by_one_table() -> None:
    """By two of them a slot between them would be seen on both members, or on neither."""
    node = cluster(30, size=2).nodes["n1"].node
    epoch = node.membership.epoch
    for wanted, state in ((epoch, HERE), (epoch - 1, HELD), (epoch + 1, HELD)):
        args = [b"_PEER.AT", b"%d" % wanted, b"DBSIZE"]
        command = node.dispatcher.find(args, is_authenticated=True, is_peer=True)
        assert node.router.state_here(command, args) == state


def count_replies(data: bytes) -> int:
    count = at = 0
    while at < len(data):
        end = data.index(b"\r\n", at)
        at, line = end + 2, data[at:end]
        if line.startswith(b"$") and line != b"$-1":
            at += int(line[1:]) + 2
        count += 1
    return count


def test_a_block_goes_to_a_member_that_has_room() -> None:
    """The pool takes it as long as any member can."""
    simulation = Simulation(15)
    simulation.start("n1", memory_bytes=100_000)
    simulation.start("n2", join="n1", memory_bytes=100_000)
    simulation.settle()
    full = simulation.nodes["n1"].node.store
    full.held.set(b"1", b"x" * 200_000)
    for _ in range(10):
        assert simulation.command("n1", "STORE", "block").startswith(b"$")
    assert len(simulation.nodes["n2"].node.store.blocks) == 10


@pytest.mark.parametrize("gateway", ["n1", "n2"])
def test_a_client_that_does_not_touch_lets_keys_grow_old(gateway: str) -> None:
    """CLIENT NO-TOUCH holds for keys of other members as well."""
    simulation = cluster(16, size=2)
    key = key_of(simulation, "n1")
    simulation.command("n1", "SET", key, "v")
    simulation.run(5000)
    client = simulation.connect_client(gateway)
    simulation.send(gateway, client, f"CLIENT NO-TOUCH ON\r\nGET {key}\r\n".encode())
    simulation.run(100)
    assert simulation.nodes[gateway].replies[client] == b"+OK\r\n$1\r\nv\r\n"
    assert simulation.command("n1", "OBJECT", "IDLETIME", key) == b":5\r\n"
    simulation.send(gateway, client, f"TOUCH {key}\r\n".encode())
    simulation.run(100)
    assert simulation.command("n1", "OBJECT", "IDLETIME", key) == b":0\r\n"


def test_a_mistyped_address_is_forgotten_and_a_good_one_kept() -> None:
    """A person's word counts once it has proved true; nothing is dialled in vain for ever."""
    simulation = cluster(17, size=1)
    simulation.start("other")
    book = simulation.nodes["n1"].node.mesh.addresses
    simulation.command("n1", "PEER", "CONNECT", "127.0.0.1", "9999")
    simulation.command("n1", "PEER", "CONNECT", "127.0.0.1", str(simulation.nodes["other"].port))
    simulation.run(120_000)
    dialled = [each for each in book if each.member != id_of(simulation, "n1")]
    assert [(each.port, each.is_kept) for each in dialled] == [
        (simulation.nodes["other"].port + 10000, True)
    ]


def test_a_node_that_leaves_is_not_drawn_in_again() -> None:
    """Between its goodbye and its end the others still know its address."""
    simulation = cluster(18)
    leaver = simulation.nodes["n3"]
    leaver.node.mesh.leave()
    simulation.run(200)
    member = leaver.node.membership.me.id
    for name in ("n1", "n2"):
        assert [each.name for each in simulation.nodes[name].node.membership.departed] == ["n3"]
    assert leaver.node.membership.me.id == member
    simulation.crash("n3")
    simulation.settle()


@pytest.mark.parametrize("seed", range(2))
def test_of_two_new_nodes_with_one_name_exactly_one_stops(seed: int) -> None:
    """Started at the same moment, each may find the other first."""
    simulation = Simulation(seed)
    first = simulation.start("twin")
    simulation.nodes["elder"] = simulation.nodes.pop("twin")
    simulation.run(seed * 20)
    second = simulation.start("twin", join="elder")
    first.node.mesh.found("127.0.0.1", second.port + 10000)
    simulation.run(5000)
    assert [first.stop_reason, second.stop_reason].count(None) == 1
