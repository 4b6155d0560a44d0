"""A pool whose members come, go and crash answers as one plain node does, if it keeps copies.

The same commands run on the pool and on a node of its own, on the same clock. Now and then
something
happens to the pool. Times to live are compared loosely, since a command may wait for its slot.
"""

from __future__ import annotations

from random import Random

import pytest

from memcloud.host import FixedHost
from memcloud.node import Node
from memcloud.resp import ErrorReply
from memcloud.settings import Settings
from tests.commands.support import LocalClient

from .checks import ask, assert_copies_equal
from .simulation import Simulation
from .test_copies import leave, pool

# Of some the slots are equal, as RENAME and COPY want it.
KEYS = [f"{{{tag}}}{number}" for tag in "abcdefgh" for number in range(3)]
TTL_SLACK_MS = 12_000
LONG_MS = 600_000


class Twin:
    """A pool, and one node beside it."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.pool = pool(seed, 3, 2)
        node = Node(
            Settings("plain", memory_bytes=1 << 30), self.pool.clock, Random(1), FixedHost()
        )
        self.plain = LocalClient(node, 1)
        self._started = 3

    def run(self, *args: str, database: int = 0) -> None:
        """Run a command on both and compare the replies."""
        expected = self.run_plain(*args, database=database)
        got = self.run_in_pool(*args, database=database)
        if isinstance(expected, list) and args[0] == "KEYS":
            assert isinstance(got, list)
            assert sorted(got) == sorted(expected), args
        elif isinstance(expected, int) and args[0] in ("PTTL", "TTL") and expected > 0:
            assert isinstance(got, int)
            assert abs(got - expected) < TTL_SLACK_MS, args
        else:
            assert got == expected, (args, database)

    def run_in_pool(self, *args: str, database: int) -> object:
        """Run a command through any node, again for as long as nobody can serve it."""
        for _ in range(3):
            gateway = self.random.choice([each.name for each in self.pool.running()])
            reply = ask(self.pool, gateway, *args, database=database)
            if not (isinstance(reply, ErrorReply) and reply.text.startswith("TRYAGAIN")):
                break
        return reply

    def run_plain(self, *args: str, database: int) -> object:
        """Run a command on the one node."""
        assert self.plain.run("SELECT", database) == "OK"
        return self.plain.run(*args)

    def happen(self) -> None:
        """Let something happen to the pool, which may still be at it afterwards."""
        names = [each.name for each in self.pool.running()]
        if len(names) == 3:
            self._started += 1
            self.pool.start(f"n{self._started}", join=names[0], replicas=2)
        elif self.random.random() < 0.5:
            self.pool.settle()
            leave(self.pool, self.random.choice(names))
        else:
            self.pool.settle()
            self.pool.crash(self.random.choice(names))
            self.pool.run(20)  # until all know that the links are broken
        self.pool.run(self.random.choice([0, 100, 1000]))

    def compare(self) -> None:
        """Compare all keys."""
        for database in (0, 1):
            self.run("KEYS", "*", database=database)
            for key in KEYS:
                for command in ("GET", "PTTL", "TYPE"):
                    self.run(command, key, database=database)


def draw(random: Random) -> tuple[str, ...]:
    """Return a command."""
    key = random.choice(KEYS)
    same_slot = random.choice([other for other in KEYS if other[:3] == key[:3]])
    other = random.choice(KEYS)
    return random.choice(
        [
            ("SET", key, f"{random.randrange(100)}"),
            ("SET", key, "v", "PX", f"{LONG_MS}"),
            ("SET", key, "v", "PINNED"),
            ("SET", key, "w", "KEEPTTL"),
            ("SET", key, "brief", "PX", "1"),
            ("GET", key),
            ("GETDEL", key),
            ("GETSET", key, "7"),
            ("GETEX", key, "PERSIST"),
            ("GETEX", key, "PX", f"{LONG_MS}"),
            ("DEL", key, other),
            ("UNLINK", key),
            ("APPEND", key, "x"),
            ("INCR", key),
            ("INCRBYFLOAT", key, "1.5"),
            ("SETRANGE", key, "3", "yz"),
            ("MSET", key, "m", other, "n"),
            ("MSETNX", key, "m", same_slot, "n"),
            ("MGET", key, other),
            ("EXISTS", key, other),
            ("EXPIRE", key, f"{LONG_MS // 1000}"),
            ("PEXPIRE", key, "1"),
            ("EXPIRE", key, "-1"),
            ("PERSIST", key),
            ("PTTL", key),
            ("OBJECT", "ENCODING", key),
            ("COPY", key, same_slot),
            ("COPY", key, same_slot, "REPLACE"),
            ("COPY", key, key, "DB", "1", "REPLACE"),
            ("RENAME", key, same_slot),
            ("RENAMENX", key, same_slot),
        ]
    )


@pytest.mark.parametrize("seed", range(1))
def test_a_pool_with_copies_answers_as_one_node_does(seed: int) -> None:
    """Whatever happens to its members, one at a time."""
    twin = Twin(seed)
    for step in range(240):
        if step % 40 == 39:
            twin.happen()
        if step % 80 == 60:
            words = twin.random.choice([("FLUSHALL",), ("FLUSHDB",), ("SWAPDB", "0", "1")])
            twin.run(*words, database=twin.random.randrange(2))
        twin.pool.run(5)  # so that what lives for one millisecond is gone on both
        twin.run(*draw(twin.random), database=twin.random.choice([0, 0, 0, 1]))
    twin.pool.run(5)
    twin.pool.settle()
    twin.compare()
    assert_copies_equal(twin.pool)
    twin.pool.crash(twin.random.choice([each.name for each in twin.pool.running()]))
    twin.pool.run(20)
    twin.compare()


@pytest.mark.parametrize("command", [("FLUSHALL",), ("FLUSHDB",), ("SWAPDB", "0", "1")])
@pytest.mark.parametrize("database", [1])
def test_what_is_done_to_whole_databases_is_done_to_their_copies(
    command: tuple[str, ...], database: int
) -> None:
    """A crash right after it brings nothing back."""
    twin = Twin(5)
    for number, key in enumerate(KEYS):
        twin.run("SET", key, f"{number}", database=number % 2)
    for key in KEYS[::5]:
        twin.run("SET", key, "in both", "PX", f"{LONG_MS}", database=1)
    twin.run(*command, database=database)
    assert_copies_equal(twin.pool)
    twin.pool.crash("n2")
    twin.pool.run(20)
    twin.compare()


def test_blocks_outlive_crashes_and_moves() -> None:
    """With a copy; those on a named peer have none, and say so when it is away."""
    simulation = pool(6, 3, 2)
    stored = {
        f"block {n}".encode(): ask(simulation, "n1", "STORE", f"block {n}") for n in range(20)
    }
    ids = {content: name.decode() for content, name in stored.items() if isinstance(name, bytes)}
    assert len(ids) == 20
    on_peer = ask(simulation, "n1", "STORE", "on n2", "PEER", "n2")
    assert isinstance(on_peer, bytes)
    freed = ids.pop(b"block 0")
    assert ask(simulation, "n2", "FREE", freed) == 1
    simulation.start("n4", join="n1", replicas=2)
    simulation.settle()
    _assert_loaded(simulation, ids)
    assert ask(simulation, "n4", "LOAD", on_peer.decode()) == b"on n2"
    leave(simulation, "n1")
    simulation.settle()
    _assert_loaded(simulation, ids)
    simulation.crash("n2")
    simulation.run(20)
    _assert_loaded(simulation, ids)
    assert ask(simulation, "n3", "LOAD", freed) is None
    assert ask(simulation, "n3", "LOAD", on_peer.decode()) == ErrorReply("PEERDOWN n2")
    simulation.settle()
    assert_copies_equal(simulation)


def _assert_loaded(simulation: Simulation, ids: dict[bytes, str]) -> None:
    for content, name in ids.items():
        for each in simulation.running():
            assert ask(simulation, each.name, "LOAD", name) == content
