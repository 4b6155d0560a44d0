"""memcli against a pool of two real nodes, as people use it."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcloud.sdk import MemCloud, PeerDown
from tests.memnode_process import MemnodeCluster, MemnodeProcess, wait_for
from tests.ports import free_port

from .support import TIMEOUT_S, Call, Home

BINARY = bytes(range(256)) + b"\r\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[MemnodeCluster]:
    """Return a pool of the nodes n1 and n2."""
    with MemnodeCluster(2, use_mdns=False) as nodes:
        yield nodes


@pytest.fixture
def ports(cluster: MemnodeCluster) -> list[str]:
    """Return the ports of the pool's nodes; the pool is empty."""
    with cluster.nodes[0].client() as client:
        client.flushall()
    return [str(node.port) for node in cluster.nodes]


def given(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let standard input hold data."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_what_one_node_is_told_the_other_knows(call: Call, ports: list[str]) -> None:
    """The first thing that anybody tries."""
    one, other = ports
    assert call("-p", one, "set", "app-config", '{"theme": "dark"}').out == b"OK\n"
    assert call("-p", other, "get", "app-config").out == b'{"theme": "dark"}'
    assert call("-p", other, "keys").out == b"app-config\n"


def test_options_may_stand_before_and_behind_the_command(call: Call, ports: list[str]) -> None:
    """The one further to the right wins."""
    assert call("-p", ports[0], "-q", "set", "x", "1").out == b""
    assert call("set", "-q", "x", "1", "-p", ports[0]).out == b""
    done = call("-p", str(free_port()), "--json", "get", "x", "-p", ports[0])
    assert json.loads(done.out) == {"schema": 1, "key": "x", "value": "1"}


def test_values_of_any_bytes_come_back_as_they_were(
    call: Call, ports: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From standard input, from a file, and from the command line."""
    given(monkeypatch, BINARY)
    call("-p", ports[0], "set", "stdin", "-")
    (tmp_path / "value").write_bytes(BINARY)
    call("-p", ports[0], "set", "file", "-f", str(tmp_path / "value"))
    call("-p", ports[0], "set", "word", os.fsdecode(b"gr\xfc\xdfe"))
    assert call("-p", ports[1], "get", "stdin").out == BINARY
    assert call("-p", ports[1], "get", "file").out == BINARY
    assert call("-p", ports[1], "get", "word").out == b"gr\xfc\xdfe"


def test_a_value_can_be_given_a_time_to_live(
    call: Call, ports: list[str], cluster: MemnodeCluster
) -> None:
    """It is a cache."""
    call("-p", ports[0], "set", "x", "1", "--ttl", "2h")
    with cluster.nodes[1].client() as client:
        assert 7_000_000 < int(client.pttl("x")) <= 7_200_000


def test_get_of_a_missing_key_is_exit_code_1(call: Call, ports: list[str]) -> None:
    """And nothing on standard output, which a script would take for the value."""
    done = call("-p", ports[0], "get", "none")
    assert (done.code, done.out) == (1, b"")
    assert done.sentence == "memcli: there is no key 'none'"


def test_del_says_how_many_there_were(call: Call, ports: list[str]) -> None:
    """On all nodes; none at all is exit code 1."""
    for key in "abcdef":
        call("-p", ports[0], "set", key, "1")
    done = call("-p", ports[1], "del", *"abcdefxyz")
    assert (done.code, done.out) == (0, b"Deleted 6 keys\n")
    done = call("-p", ports[1], "del", "a", "--json")
    assert (done.code, json.loads(done.out)) == (1, {"schema": 1, "deleted": 0})


def test_keys_lists_those_of_all_nodes(call: Call, ports: list[str]) -> None:
    """All, or those that a pattern means."""
    names = [f"user:{number}" for number in range(20)]
    for name in [*names, "other"]:
        call("-p", ports[0], "set", name, "1")
    assert sorted(call("-p", ports[1], "keys", "user:*").out.decode().split()) == sorted(names)
    found = json.loads(call("-p", ports[1], "keys", "--json").out)["keys"]
    assert sorted(found) == sorted([*names, "other"])
    assert call("-p", ports[1], "keys", "none*").out == b""


def test_a_block_is_found_from_any_node(call: Call, ports: list[str]) -> None:
    """`memcli store "Hello World"` prints the sentence that the original tool prints."""
    done = call("-p", ports[0], "store", "Hello World")
    match = re.fullmatch(rb"Stored block ID: ([0-9]+)\n", done.out)
    assert match is not None
    block = match[1].decode()
    assert call("-p", ports[1], "load", block).out == b"Hello World"
    assert call("-p", ports[1], "free", block).out == b"Freed 1 block\n"
    done = call("-p", ports[0], "load", block)
    assert (done.code, done.sentence) == (1, f"memcli: there is no block {block}")
    assert call("-p", ports[0], "free", block).code == 1


def test_a_block_can_be_stored_on_a_named_peer(
    call: Call, ports: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is found through both all the same."""
    given(monkeypatch, BINARY)
    block = call("-p", ports[0], "store", "-", "--peer", "n2", "-q").out.decode().strip()
    assert call("-p", ports[0], "load", block).out == BINARY
    assert call("-p", ports[1], "load", block).out == BINARY
    found = json.loads(call("-p", ports[1], "load", block, "--json").out)
    assert found["id"] == block
    assert set(found["data"]) == {"base64"}


def test_peers_and_status_show_the_nodes(call: Call, ports: list[str]) -> None:
    """Both name each node with its address, the asked one first."""
    out = call("-p", ports[1], "peers").out.decode()
    title, first, second = out.splitlines()
    assert title.split()[:3] == ["NODE", "ADDRESS", "STATE"]
    assert first.split()[:3] == ["n2", f"127.0.0.1:{ports[1]}", "self"]
    assert second.split()[:3] == ["n1", f"127.0.0.1:{ports[0]}", "alive"]
    shown = call("-p", ports[1], "status").out.decode()
    assert ": 2 nodes, " in shown.splitlines()[0]
    assert "512.0 MiB lent RAM used" in shown
    assert call("-p", ports[1], "status", "--no-color", "-q").out.decode().count("\n") == 3


def test_peers_and_status_as_json_are_complete(call: Call, ports: list[str]) -> None:
    """Programs should not have to read tables."""
    peers = json.loads(call("-p", ports[0], "peers", "--json").out)["peers"]
    assert [peer["name"] for peer in peers] == ["n1", "n2"]
    assert sum(peer["slots"] for peer in peers) == 16384
    status = json.loads(call("-p", ports[0], "status", "--json").out)
    assert (status["nodes"], status["memory_total"]) == (2, 512 << 20)


def test_stats_ping_and_info_tell_of_the_node(call: Call, ports: list[str]) -> None:
    """Three ways to look at one node."""
    call("-p", ports[0], "store", "x")
    out = call("-p", ports[0], "stats").out.decode()
    assert [line.partition(":")[0] for line in out.splitlines()] == [
        *("Node", "Blocks", "Peers", "Memory", "Pool", "Keys", "Commands")
    ]
    assert json.loads(call("-p", ports[0], "stats", "--json").out)["peers"] == 1
    assert b"PONG from 127.0.0.1:" in call("-p", ports[0], "ping").out
    assert call("-p", ports[0], "ping", "-q").out == b""
    assert json.loads(call("-p", ports[0], "ping", "--json").out)["milliseconds"] >= 0
    memory = call("-p", ports[0], "info", "memory").out
    assert memory.startswith(b"# Memory\nused_memory:")
    assert b"# Server\n" in call("-p", ports[0], "info").out
    assert json.loads(call("-p", ports[0], "info", "memcloud", "--json").out)["info"]["peers"] == 1


def test_connect_joins_two_nodes_by_the_port_of_clients(call: Call) -> None:
    """`memcli connect IP:8081` reaches the node started with `--port 8081`."""
    flags = ("--no-mdns", "--cluster", f"connect-{free_port()}")
    with MemnodeProcess(*flags) as one, MemnodeProcess(*flags) as other:
        done = call("-p", str(one.port), "connect", f"127.0.0.1:{other.port}")
        assert (done.code, done.out) == (0, f"Connected to 127.0.0.1:{other.port}\n".encode())
        wait_for(lambda: one.members() == other.members() == {one.name, other.name}, "both")


def test_connect_says_why_it_cannot(call: Call, ports: list[str]) -> None:
    """Nobody there, another cluster, the node itself: three different things to do."""
    with MemnodeProcess("--no-mdns", "--cluster", "another") as stranger:
        done = call("-p", ports[0], "connect", f"127.0.0.1:{stranger.port}")
    assert done.code == 1
    assert "is in cluster 'another'" in done.sentence
    done = call("-p", ports[0], "connect", f"127.0.0.1:{free_port()}")
    assert done.code == 1
    assert "nothing answers at" in done.sentence
    done = call("-p", ports[0], "connect", f"127.0.0.1:{ports[0]}")
    assert done.sentence == "memcli: that is this node itself"


def test_on_a_terminal_values_are_readable(home: Home, ports: list[str]) -> None:
    """A real terminal, since that is what the program looks for: text gets a line, binary none."""
    home.memcli("-p", ports[0], "set", "text", "hello")
    home.memcli("-p", ports[0], "set", "binary", "-", stdin=BINARY)
    assert on_terminal(home, "-p", ports[0], "get", "text") == (0, "hello\r\n")
    code, shown = on_terminal(home, "-p", ports[0], "get", "binary")
    assert code == 1
    assert "258 bytes of binary data are not shown on a terminal" in shown
    assert home.memcli("-p", ports[0], "get", "binary").stdout == BINARY
    code, shown = on_terminal(home, "-p", ports[0], "peers")
    assert (code, "n1" in shown) == (0, True)


def test_the_client_library_speaks_to_real_nodes(ports: list[str]) -> None:
    """What the fake nodes of its own tests answer is what real ones do."""
    with MemCloud(port=int(ports[0])) as one, MemCloud(port=int(ports[1]), protocol=2) as other:
        block = one.store(BINARY, peer="n2")
        assert other.load(block) == one.load(block) == BINARY
        assert [peer.name for peer in one.peers()] == ["n1", "n2"]
        assert {peer.id for peer in other.peers()} == {peer.id for peer in one.peers()}
        assert one.free(block, block + 1) == 1
        assert other.load(block) is None


def test_a_block_whose_holder_is_away_is_no_miss(call: Call) -> None:
    """It may come back with its holder; the sentence names it."""
    with MemnodeCluster(2, use_mdns=False) as nodes:
        stays, goes = nodes.nodes
        port = str(stays.port)
        with MemCloud(port=stays.port) as client:
            block = client.store(b"x", peer=goes.name)
            goes.kill()
            wait_for(lambda: stays.members() == {stays.name}, "it is noticed")
            with pytest.raises(PeerDown):
                client.load(block)
        done = call("-p", port, "load", str(block))
        assert done.code == 1
        assert done.sentence.startswith(f"memcli: {goes.name}, which the data is on, is away")
        assert "is away" in call("-p", port, "status").out.decode()
        assert b" down " in call("-p", port, "peers").out


def on_terminal(home: Home, *arguments: str) -> tuple[int, str]:
    """Run memcli with a terminal as its output; return its exit code and what that shows."""
    controller, terminal = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "memcloud.cli.memcli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            env=home.variables,
        )
        os.close(terminal)
        shown = b""
        try:
            while data := os.read(controller, 65536):
                shown += data
        except OSError:
            pass  # Linux says so when the last process has closed the terminal
        return process.wait(TIMEOUT_S), shown.decode()
    finally:
        os.close(controller)
