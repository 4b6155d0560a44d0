"""Pipelines through a pool: one reply for each command, in order, and those that Redis gives."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Sequence
from random import Random

import pytest

from memcloud.resp import Decoder, ErrorReply, Reply, encode_request
from memcloud.resp.decoder import INCOMPLETE
from tests.memnode_process import MemnodeCluster, MemnodeProcess
from tests.redis_server import RedisServer

from .support import connect

END = b"$7\r\nthe end\r\n"
# What is random in them is filled in: K a key, V a value, {} keys that share a slot.
COMMANDS = """
SET K V|SET K V|GET K|GET K|INCR K|APPEND K V|STRLEN K|DEL K K K|EXISTS K K|MGET K K K K
MSET K V K V|GETDEL K|SETRANGE K 3 V|PING|ECHO V|SELECT 1|SELECT 0|SELECT 99|CLIENT REPLY SKIP
CLIENT REPLY OFF|CLIENT REPLY ON|CLIENT REPLY ON|NOSUCH K|GET|SET K|MSET K|SETNX K V|GETSET K V
INCRBYFLOAT K 1.5|UNLINK K K|TOUCH K K|TYPE K|CLIENT SETNAME V|CLIENT GETNAME|DECRBY K x
LCS {a}K {b}K|RENAME {a}K {b}K|SET {a}K V|SET K V EX 0|SET K V GET|MSETNX {a}K V {b}K V
HELLO 3|HELLO 2|HELLO 9
"""
TEMPLATES = [line.split() for line in COMMANDS.replace("\n", "|").split("|") if line]


def pipeline(random: Random, prefix: str) -> list[list[bytes]]:
    """Return commands of one client; the keys are its own."""
    commands = []
    for _ in range(random.choice([10, 200, 1000])):
        words = []
        for word in random.choice(TEMPLATES):
            if word == "V":
                word = random.choice(["", "7", "-12", "x", "y" * 90, "z" * 70_000])
            elif word == "K":
                word = f"{prefix}:{random.randrange(10)}"
            elif word.endswith("}K"):
                word = f"{{{prefix}}}{word[1]}"
            words.append(word.encode())
        commands.append(words)
    return [*commands, *[[b"CLIENT", b"REPLY", b"ON"]] * 2, [b"ECHO", b"the end"]]


def exchange(port: int, commands: Sequence[Sequence[bytes]], random: Random) -> list[Reply]:
    """Send commands in pieces of any size, and return the replies up to the end."""
    data = b"".join(map(encode_request, commands))
    received = b""
    with connect(port) as connection:
        connection.setblocking(False)
        while not received.endswith(END):
            writers = [connection] if data else []
            readable, writable, _ = select.select([connection], writers, [], 60)
            assert readable or writable, f"nothing more after {received[-100:]!r}"
            if writable:
                data = data[_send(connection, data[: random.choice([1, 100, 10_000, 1 << 20])]) :]
            if readable:
                chunk = connection.recv(random.choice([100, 1 << 20]))
                assert chunk, f"closed after {received[-100:]!r}"
                received += chunk
    return decode_all(received)


def decode_all(data: bytes) -> list[Reply]:
    """Return the replies in some bytes, which have to be whole."""
    decoder = Decoder()
    decoder.feed(data)
    replies: list[Reply] = []
    while (reply := decoder.take()) is not INCOMPLETE:
        replies.append(_without_self(reply))
    return replies


def _without_self(reply: Reply) -> Reply:
    """Return a reply; of one to HELLO, which tells of the server, only that it is one."""
    is_hello = (isinstance(reply, dict) and b"server" in reply) or (
        isinstance(reply, list) and reply[:1] == [b"server"]
    )
    return "HELLO" if is_hello else reply


def _send(connection: socket.socket, data: bytes) -> int:
    try:
        return connection.send(data)
    except BlockingIOError:
        return 0


class Troublemaker:
    """Does something to a pool again and again while the block runs."""

    def __init__(self, nodes: Sequence[MemnodeProcess]) -> None:
        self._nodes = nodes
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._pause)

    def _pause(self) -> None:
        random = Random(1)
        clients = [node.client() for node in self._nodes]
        while not self._is_over.wait(0.02):
            client = random.choice(clients)
            client.execute_command("CLIENT", "PAUSE", 30, random.choice(["ALL", "WRITE"]))
            if random.random() < 0.5:
                client.execute_command("CLIENT", "UNPAUSE")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()


@pytest.mark.parametrize("seed", range(5))
def test_a_pool_answers_pipelines_as_redis_does(nodes: list[MemnodeProcess], seed: int) -> None:
    """Commands that run here, elsewhere and on several members, with silence in between."""
    random = Random(seed)
    with RedisServer() as real:
        for number in range(10):
            commands = pipeline(random, f"{seed}-{number}")
            node = random.choice(nodes)
            assert exchange(node.port, commands, random) == exchange(real.port, commands, random)


def test_pauses_change_no_reply(nodes: list[MemnodeProcess]) -> None:
    """A command that was held is answered, or silent, as it would have been."""
    random = Random(9)
    with RedisServer() as real, Troublemaker(nodes):
        for number in range(30):
            commands = pipeline(random, f"pause-{number}")
            node = random.choice(nodes)
            assert exchange(node.port, commands, random) == exchange(real.port, commands, random)


def test_every_command_has_one_reply_while_a_member_dies_and_comes_back() -> None:
    """At its place, be it an error; and the connection goes on."""
    random = Random(3)
    with MemnodeCluster(3) as cluster:
        *survivors, victim = cluster.nodes
        commands = []
        for number in range(4000):
            key, text = b"k%d" % random.randrange(50), b"%d" % number
            commands.append(
                random.choice(
                    [[b"SET", key, text], [b"GET", key], [b"MGET", key, b"k1"], [b"ECHO", text]]
                )
            )
        commands.append([b"ECHO", b"the end"])
        replies: dict[str, list[list[Reply]]] = {node.name: [] for node in survivors}

        def keep_sending(node: MemnodeProcess) -> None:
            while not is_back.is_set() or not replies[node.name]:
                replies[node.name].append(exchange(node.port, commands, Random(4)))

        is_back = threading.Event()
        threads = [threading.Thread(target=keep_sending, args=[node]) for node in survivors]
        for thread in threads:
            thread.start()
        victim.kill()
        victim.start()
        is_back.set()
        for thread in threads:
            thread.join()
        for given in (given for rounds in replies.values() for given in rounds):
            assert len(given) == len(commands)
            for command, reply in zip(commands, given, strict=True):
                _check(command, reply)
        cluster.wait_agreed()
        for node in cluster.nodes:
            assert node.client().info("memcloud")["calls_in_flight"] == 0


def _check(command: Sequence[bytes], reply: Reply) -> None:
    if command[0] == b"ECHO":
        assert reply == command[1]
    elif isinstance(reply, ErrorReply):
        assert reply.text.split()[0] in ("UNKNOWN", "TRYAGAIN")
    elif command[0] == b"SET":
        assert reply == "OK"
    elif command[0] == b"MGET":
        assert isinstance(reply, list)
        assert len(reply) == 2
    else:
        assert reply is None or isinstance(reply, bytes)
