"""What goes wrong ends in one sentence and the right exit code, never in a traceback."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import redis

from tests.ports import free_port
from tests.redis_server import RedisServer
from tests.sdk.support import FakeNode

from .support import Call, Home, sentence


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Return a port where somebody listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        yield port


def test_no_node_is_exit_code_3_and_says_how_to_start_one(call: Call) -> None:
    """It is the first thing that everybody meets."""
    port = free_port()
    done = call("get", "x", "-p", str(port))
    assert (done.code, done.out) == (3, b"")
    assert done.sentence == (
        f"memcli: no node answers at 127.0.0.1:{port}; start one with: memnode --port {port}"
    )


def test_no_node_behind_a_socket_or_url_is_exit_code_3(call: Call, home: Home) -> None:
    """The sentence names what was asked for."""
    port = free_port()
    assert call("ping", "--socket", f"{home.folder}/none.sock").code == 3
    done = call("ping", "--url", f"redis://:secret@127.0.0.1:{port}")
    assert done.code == 3
    assert done.sentence.startswith(f"memcli: no node answers at 127.0.0.1:{port}; ")


def test_a_node_that_does_not_answer_is_exit_code_4(call: Call, silent_port: int) -> None:
    """It is there, so starting another one is no advice."""
    done = call("--timeout", "50ms", "get", "x", "-p", str(silent_port))
    assert done.code == 4
    assert done.sentence == f"memcli: 127.0.0.1:{silent_port} did not answer within 0.05 s"


def test_something_else_on_the_port_is_told(call: Call) -> None:
    """A web server answers as well, but not in Redis' protocol."""
    with FakeNode({b"GET": b"HTTP/1.1 400 Bad Request\r\n\r\n"}) as node:
        done = call("-p", str(node.port), "get", "x")
    assert done.code == 1
    assert "does not speak Redis' protocol" in done.sentence


def test_a_connection_that_ends_is_exit_code_3(call: Call) -> None:
    """A node that stops in the middle of a command has not answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listener.settimeout(30)
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        done = call("-p", str(port), "get", "x")
        thread.join()
    assert done.code == 3
    assert "ended the connection" in done.sentence


def test_a_missing_or_wrong_password_is_exit_code_4(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the sentence says where to put it; it comes from the variable of memnode as well."""
    with RedisServer(["--requirepass", "secret"]) as server:
        port = str(server.port)
        done = call("-p", port, "get", "x")
        assert done.code == 4
        assert "give the password in MEMCLOUD_REQUIREPASS" in done.sentence
        assert call("--url", f"redis://:wrong@127.0.0.1:{port}", "get", "x").code == 4
        assert call("--url", f"redis://:secret@127.0.0.1:{port}", "set", "x", "1").code == 0
        monkeypatch.setenv("MEMCLOUD_REQUIREPASS", "secret")
        assert call("-p", port, "get", "x").out == b"1"


def test_an_error_reply_is_exit_code_1_in_the_words_of_the_node(call: Call) -> None:
    """They are Redis' own, which people can look up."""
    full = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
    with FakeNode({b"SET": full}) as node:
        done = call("-p", str(node.port), "set", "x", "1")
    assert done.code == 1
    # redis-py keeps the code of this error to itself.
    assert done.sentence.endswith("command not allowed when used memory > 'maxmemory'.")


def test_a_peer_that_is_unknown_or_away_is_told(call: Call) -> None:
    """With a name that is close, if there is one."""
    peers = b"*1\r\n*6\r\n$4\r\nname\r\n$5\r\nNodeB\r\n$2\r\nid\r\n$1\r\n1\r\n"
    peers = (
        peers.replace(b"*6", b"*8") + b"$7\r\naddress\r\n$1\r\na\r\n$5\r\nstate\r\n$4\r\nself\r\n"
    )
    answers = {b"STORE": b"-NOPEER no peer is named 'NodeX'\r\n", b"PEERS": peers}
    with FakeNode(answers) as node:
        done = call("-p", str(node.port), "store", "x", "--peer", "NodeX")
        assert done.sentence == "memcli: no peer is named 'NodeX'; did you mean 'NodeB'?"
        done = call("-p", str(node.port), "store", "x", "--peer", "elm")
        assert done.sentence == "memcli: no peer is named 'elm'; memcli peers lists them"
        assert done.code == 1
    with FakeNode({b"STORE": b"-PEERDOWN elm\r\n"}) as node:
        done = call("-p", str(node.port), "store", "x", "--peer", "elm")
        assert done.sentence == (
            "memcli: elm, which the data is on, is away; memcli peers shows who is there"
        )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["gett", "x"], "no such command 'gett'. Did you mean 'get'?"),
        (["get"], "missing argument 'KEY'."),
        (["get", "a", "b"], "got unexpected extra argument(s) (b)"),
        (["get", "x", "--prot", "1"], "no such option: --prot (Possible options: --host, --port)"),
        (["-p", "x", "get", "y"], "--port cannot be 'x': a port is a number from 1 to 65535"),
        (["get", "y", "--timeout", "0"], "--timeout cannot be '0': a duration is written like"),
        (["set", "x"], "give VALUE, - for standard input, or -f FILE"),
        (["set", "x", "1", "-f", "y"], "give VALUE, - for standard input, or -f FILE"),
        (["set", "x", "1", "--ttl", "soon"], "--ttl cannot be 'soon': a duration is written like"),
        (["store"], "give DATA, - for standard input, or -f FILE"),
        (["load", "x"], "'x' is not a block id"),
        (["load", "0"], "'0' is not a block id"),
        (["free", "1", "99999999999999999999"], "'99999999999999999999' is not a block id"),
        (["connect", "a:b"], "the address cannot be 'a:b': a port is a number from 1 to 65535"),
        (["--url", "http://x", "ping"], "the URL of the node cannot be used: "),
        (["--url", "redis://a", "-p", "1", "ping"], "--url, --socket and --host/--port exclude"),
        (["node", "stop", "-H", "oak"], "nodes in the background are told apart by their port"),
        (["node", "logs", "-n", "x"], "--lines cannot be 'x': it must be a number"),
        (["node", "start", "--prot", "1"], "no such option: --prot"),
        (["node", "start", "--port", "x"], "--port cannot be 'x'"),
        (["node", "start", "what"], "got unexpected extra argument(s) (what)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_exit_code_2(call: Call, words: list[str], expected: str) -> None:
    """The sentence names the word that is wrong."""
    done = call(*words)
    assert (done.code, done.out) == (2, b"")
    assert done.sentence.startswith(f"memcli: {expected}")


def test_a_file_that_cannot_be_read_is_named(call: Call) -> None:
    """Before anything is sent."""
    done = call("store", "-f", "/no/such/file")
    assert done.code == 1
    assert done.sentence == "memcli: /no/such/file cannot be read: No such file or directory"


def test_ctrl_c_is_exit_code_130(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in every other program."""

    class Interrupted(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise KeyboardInterrupt

    class Stdin:
        buffer = Interrupted()

    monkeypatch.setattr(sys, "stdin", Stdin())
    done = call("store", "-")
    assert (done.code, done.err) == (130, "")


def test_a_reader_that_has_had_enough_is_no_error(home: Home) -> None:
    """`memcli keys | head -1` ends when head does."""
    with RedisServer() as server:
        for batch in range(20):
            many = [word for i in range(500) for word in (f"key:{batch}:{i:0100d}", "x")]
            _mset(server.port, many)
        program = f"{sys.executable} -m memcloud.cli.memcli -p {server.port} keys | head -1"
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {program}"],
            capture_output=True,
            env=home.variables,
            timeout=100,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"key:")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--port", "x"], "--port cannot be 'x': a port is a number from 1 to 65535"),
        (["--prot", "1"], "no such option: --prot (Possible options: --peer-port, --port)"),
        (["--replicas", "9"], "--replicas cannot be '9': it must be a number from 1 to 8"),
        (
            ["--isolated", "maybe"],
            "--isolated cannot be 'maybe': it must be one of auto, fresh, refuse",
        ),
        (["--bind", "0.0.0.0"], "--bind 0.0.0.0 lets other machines in, so it needs a password"),
        (["--config", "/no/such"], "/no/such cannot be read: No such file or directory"),
        (["what"], "got unexpected extra argument(s) (what)"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_memnode_refuses_a_bad_flag(home: Home, flags: list[str], expected: str) -> None:
    """Exit code 2, so that a service is not started over and over."""
    done = home.memnode(*flags)
    assert done.returncode == 2
    assert sentence(done).startswith(f"memnode: {expected}")


def test_memnode_refuses_a_bad_variable(home: Home) -> None:
    """The variable is named, and not the flag that was not given."""
    done = home.memnode(variables={"MEMCLOUD_MEMORY": "lots"})
    assert done.returncode == 2
    assert sentence(done).startswith("memnode: MEMCLOUD_MEMORY cannot be 'lots': ")


def test_memnode_says_that_its_port_is_taken(home: Home) -> None:
    """Exit code 1: the same command may work later."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        peer_port = str(free_port())
        flags = ["--port", str(port), "--peer-port", peer_port, "--no-mdns"]
        done = home.memnode(*flags, "--log-level", "error")
    assert done.returncode == 1
    assert str(port) in sentence(done)


def test_memnode_refuses_a_runtime_folder_that_is_not_private(home: Home) -> None:
    """Whoever can write there could put a socket of their own in place of ours."""
    (home.runtime / "memcloud").symlink_to(home.folder)
    done = home.memnode("--port", str(free_port()))
    assert done.returncode == 1
    assert "is not a directory of yours" in sentence(done)


def _mset(port: int, words: list[str]) -> None:
    with redis.Redis(port=port) as client:
        client.mset(dict(zip(words[::2], words[1::2], strict=True)))
