"""memcli node: nodes in the background, and memnode itself from start to stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from memcloud.cli import background, paths
from memcloud.errors import StartError
from tests.memnode_process import MemnodeProcess
from tests.ports import free_port

from .support import Call, Home

QUICK = ("--no-mdns", "--memory", "64mb")


@pytest.fixture
def stopping(home: Home) -> Iterator[list[int]]:
    """Return a list of ports whose nodes are stopped at the end."""
    ports: list[int] = []
    yield ports
    for port in ports:
        if background.maybe_started(port) is not None:
            background.stop(port)


def test_a_node_is_started_looked_at_and_stopped(
    call: Call, home: Home, stopping: list[int]
) -> None:
    """The whole life, each step as a person takes it."""
    port = free_port()
    stopping.append(port)
    started = call("node", "start", "--name", "NodeA", "--port", str(port), *QUICK)
    assert started.code == 0
    pid = json.loads(paths.pid_path(port).read_text())["pid"]
    assert started.out.decode() == (
        f"Node NodeA answers on port {port} (process {pid}); "
        f"stop it with: memcli node stop -p {port}\n"
    )
    assert call("-p", str(port), "set", "x", "1").code == 0
    assert call("get", "x", "-p", str(port)).out == b"1"
    status = json.loads(call("node", "status", "-p", str(port), "--json").out)
    assert (status["pid"], status["answers"], status["in_background"]) == (pid, True, True)
    assert b"NodeA is ready at" in call("node", "logs", "-p", str(port)).out
    assert call("node", "logs", "-p", str(port), "-n", "1").out.count(b"\n") == 1
    stopped = call("node", "stop", "-p", str(port))
    assert stopped.out.decode() == f"Stopped the node on port {port} (process {pid})\n"
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert not paths.pid_path(port).exists()
    gone = call("node", "status", "-p", str(port))
    assert gone.code == 3
    assert gone.out.decode().startswith(f"No node runs on port {port}; start one with: ")


def test_several_nodes_do_not_disturb_each_other(
    call: Call, home: Home, stopping: list[int]
) -> None:
    """Each has its own log, socket and process, and stopping one leaves the other."""
    one, other = free_port(), free_port()
    stopping += [one, other]
    cluster = ("--cluster", f"pair-{one}")
    assert call("-p", str(one), "node", "start", *QUICK, *cluster).code == 0
    joining = ("--join", f"127.0.0.1:{one}")
    assert call("node", "start", "-p", str(other), *QUICK, *cluster, *joining, "-q").out == b""
    assert list(paths.live_sockets()) == sorted((one, other))
    assert call("node", "stop", "-p", str(one)).code == 0
    assert call("node", "status", "-p", str(other)).code == 0
    # Now there is one node of this user, so that it need not be named.
    assert list(paths.live_sockets()) == [other]


def test_a_port_with_a_node_is_not_started_again(
    call: Call, home: Home, stopping: list[int]
) -> None:
    """The node that runs goes on, and its process can still be stopped."""
    port = free_port()
    stopping.append(port)
    assert call("node", "start", "--port", str(port), *QUICK, "-q").code == 0
    again = call("node", "start", "--port", str(port), *QUICK)
    assert again.code == 1
    assert f"port {port} is taken: the node with process id" in again.sentence
    assert call("node", "stop", "-p", str(port)).code == 0


def test_a_node_that_cannot_run_is_told_with_the_end_of_its_log(call: Call, home: Home) -> None:
    """A command that says nothing and leaves no node is the worst."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        port = free_port()
        done = call("node", "start", "--port", str(port), "--peer-port", str(taken), *QUICK)
    assert done.code == 1
    assert "the node has ended; its log (" in done.sentence
    assert str(taken) in done.sentence
    assert not paths.pid_path(port).exists()


def test_a_node_with_a_password_is_started_and_stopped(
    call: Call, home: Home, stopping: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password comes from a variable, where no other user can see it."""
    port = free_port()
    stopping.append(port)
    monkeypatch.setenv("MEMCLOUD_REQUIREPASS", "secret")
    assert call("node", "start", "--port", str(port), *QUICK).code == 0
    assert call("-p", str(port), "set", "x", "1").code == 0
    monkeypatch.delenv("MEMCLOUD_REQUIREPASS")
    assert call("-p", str(port), "get", "x").code == 4
    assert call("node", "status", "-p", str(port)).code == 0
    assert call("node", "stop", "-p", str(port)).code == 0


def test_a_node_of_somebody_else_is_not_stopped(call: Call, home: Home) -> None:
    """It runs in a terminal or as a service, which would be surprised."""
    with MemnodeProcess("--no-mdns") as node:
        done = call("node", "stop", "-p", str(node.port))
        assert done.code == 1
        assert done.sentence == (
            f"memcli: the node with process id {node.pid} on port {node.port} was not started by"
            " memcli node start; stop it where it was started"
        )
        status = call("node", "status", "-p", str(node.port))
        assert status.code == 0
        assert b"it was not started by memcli node start" in status.out


def test_a_process_that_got_the_id_of_a_node_is_not_stopped(call: Call, home: Home) -> None:
    """Ids are given again; after a crash the file may name somebody's editor."""
    port = free_port()
    paths.make_private(paths.state_dir())
    paths.pid_path(port).write_text(json.dumps({"pid": os.getpid(), "created": 1.0}))
    done = call("node", "stop", "-p", str(port))
    assert (done.code, done.sentence) == (1, f"memcli: no node runs on port {port}")


@pytest.mark.parametrize("text", ["", "12", "{}", '{"pid": "x", "created": 1}', "[1]"])
def test_a_damaged_process_file_is_as_good_as_none(text: str, home: Home) -> None:
    """A full disk may have cut it."""
    paths.make_private(paths.state_dir())
    paths.pid_path(6380).write_text(text)
    assert background.maybe_started(6380) is None


def test_there_is_no_log_without_a_node(call: Call, home: Home) -> None:
    """The sentence says who would write one."""
    done = call("node", "logs", "-p", "7001")
    assert (done.code, done.sentence) == (
        1,
        "memcli: there is no log for port 7001; memcli node start writes one",
    )


def test_the_log_is_followed(home: Home) -> None:
    """What is written later comes as well, until Ctrl-C."""
    paths.make_private(paths.state_dir())
    log = paths.log_path(7001)
    log.write_text("first\n")
    with subprocess.Popen(
        [sys.executable, "-m", "memcloud.cli.memcli", "node", "logs", "-f", "-p", "7001"],
        stdout=subprocess.PIPE,
        env=home.variables,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"first\n"
            with log.open("a") as file:
                file.write("second\n")
            assert process.stdout.readline() == b"second\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()


def test_memnode_stops_politely_at_the_first_signal(home: Home) -> None:
    """SIGTERM is what services and `node stop` send; the socket is gone with the node."""
    with MemnodeProcess("--no-mdns") as node:
        assert Path(node.socket_path).exists()
        assert node.stop() == 0
        assert not Path(node.socket_path).exists()


def test_memnode_as_the_original_tool_is_started(home: Home) -> None:
    """`memnode --name "NodeA" --port 8080`, with the default socket in a private folder."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "memcloud.cli.memnode", "--name", "NodeA", "--port", str(port)],
        env=home.variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        ready = next(line for line in process.stderr if "is ready" in line)
        path = home.runtime / f"memcloud/{port}.sock"
        assert f"redis://127.0.0.1:{port} and {path}" in ready
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert home.memcli("set", "x", "1", "-p", str(port)).stdout == b"OK\n"
    finally:
        process.terminate()
        assert process.wait(60) == 0
        assert process.stderr is not None
        process.stderr.close()


def test_a_private_folder_is_made_private(tmp_path: Path) -> None:
    """One that was open to others is closed; what is no folder of ours is refused."""
    folder = tmp_path / "a/b"
    paths.make_private(folder)
    folder.chmod(0o755)
    paths.make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(StartError, match="not a directory of yours"):
        paths.make_private(tmp_path / "link")
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be made"):
        paths.make_private(tmp_path / "file")


def test_only_the_last_lines_from_an_offset_on_are_taken(tmp_path: Path) -> None:
    """A failure shows what this start has written, and not what an earlier one has."""
    log = tmp_path / "log"
    log.write_bytes(b"old\none\ntwo\n\xff\n")
    assert background.last_lines(log, 2, 0) == ["two", "\ufffd"]
    assert background.last_lines(log, 9, 4) == ["one", "two", "\ufffd"]
    assert background.last_lines(tmp_path / "none", 9, 0) == []
