"""Which node a command talks to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from memcloud.cli import connection
from memcloud.cli.connection import Target, find_target
from memcloud.cli.options import Options
from memcloud.cli.output import CliError, ExitCode

from .support import Home

Listen = Callable[[int], Path]


@pytest.fixture
def listen(home: Home) -> Iterator[Listen]:
    """Return a function that lets somebody listen on the socket of a port."""
    folder = home.runtime / "memcloud"
    folder.mkdir(mode=0o700)
    with ExitStack() as stack:

        def start(port: int) -> Path:
            path = folder / f"{port}.sock"
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(path))
            listener.listen()
            return path

        yield start


@pytest.fixture(autouse=True)
def nobody_on_the_standard_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let port 6380 be free, whatever runs on this machine."""
    monkeypatch.setattr(connection, "_listens", lambda target: False)


def test_without_any_node_the_standard_port_is_meant(home: Home) -> None:
    """The error then names the place where people expect a node."""
    assert find_target(Options()) == Target("127.0.0.1", 6380)


def test_the_node_on_the_standard_port_comes_first(listen: Listen) -> None:
    """However many others there are."""
    listen(6381)
    path = listen(6380)
    assert find_target(Options()).socket_path == str(path)


def test_a_standard_port_without_socket_comes_before_other_nodes(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node in a container or of another user has no socket that we can see."""
    listen(6381)
    monkeypatch.setattr(connection, "_listens", lambda target: True)
    assert find_target(Options()) == Target("127.0.0.1", 6380)


def test_the_only_node_is_meant(listen: Listen) -> None:
    """Whoever runs one node on another port need not say so each time."""
    path = listen(7001)
    assert find_target(Options()) == Target(port=7001, socket_path=str(path))


def test_of_several_nodes_one_must_be_chosen(listen: Listen) -> None:
    """Guessing would show the wrong one's figures; the error lists them, in order of number."""
    for port in (10001, 7001, 7002):
        listen(port)
    with pytest.raises(CliError, match=r"on ports 7001, 7002, 10001: .* memcli -p 7001") as caught:
        find_target(Options())
    assert caught.value.code is ExitCode.USAGE


def test_a_socket_that_was_left_behind_is_no_node(listen: Listen, home: Home) -> None:
    """A node that was killed could not remove it."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home.runtime / "memcloud/7001.sock"))
    path = listen(7002)
    (home.runtime / "memcloud/notes.sock").touch()
    assert find_target(Options()).socket_path == str(path)


def test_a_port_means_its_socket_if_there_is_one(listen: Listen) -> None:
    """The socket is faster, and works when the TCP port is somebody else's."""
    path = listen(7001)
    assert find_target(Options(port=7001)).socket_path == str(path)
    assert find_target(Options(port=7002)) == Target("127.0.0.1", 7002)
    assert find_target(Options(host="127.0.0.1", port=7001)).socket_path is None


def test_an_option_wins_over_the_variable(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the variable over what would be found."""
    monkeypatch.setenv("MEMCLOUD_URL", "redis://oak")
    assert find_target(Options()).url == "redis://oak"
    assert find_target(Options(url="redis://elm")).url == "redis://elm"
    assert find_target(Options(host="elm")) == Target("elm", 6380)
    assert find_target(Options(socket="/x.sock")) == Target(socket_path="/x.sock")


@pytest.mark.parametrize(
    "options",
    [
        Options(url="redis://a", port=1),
        Options(socket="/x", host="a"),
        Options(url="redis://a", socket="/x"),
    ],
)
def test_options_that_contradict_are_refused(options: Options) -> None:
    """Taking one of them silently would be taking the wrong one half of the time."""
    with pytest.raises(CliError, match="exclude each other"):
        find_target(options)


def test_a_password_in_a_url_is_not_shown() -> None:
    """Error messages are pasted into bug reports."""
    assert Target(url="redis://user:secret@oak:6380/0").shown == "oak:6380"
    assert Target(url="unix:///run/x.sock").shown == "/run/x.sock"


def test_the_hint_fits_the_place() -> None:
    """Nobody can start a node on another machine by a local command."""
    assert Target().start_hint == "start one with: memnode"
    assert Target(port=7001).start_hint == "start one with: memnode --port 7001"
    assert "may this machine reach it" in Target("oak").start_hint
