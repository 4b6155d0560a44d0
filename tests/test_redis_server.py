"""The helper that starts a real redis-server."""

from __future__ import annotations

import socket

import pytest

from .redis_server import RedisServer, RedisServerMissing


def test_it_serves_from_its_start_to_its_close() -> None:
    """Whoever has one can use it at once, and leaves none behind."""
    with RedisServer(["--requirepass", "secret"]) as server:
        with server.connect() as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100) == b"-NOAUTH Authentication required.\r\n"
        assert server.pid > 0
    server.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), timeout=10)


def test_without_a_program_the_test_fails_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A comparison that is skipped in silence is never missed."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RedisServerMissing, match=r"run scripts/install-test-tools\.sh"):
        RedisServer()


def test_a_server_that_does_not_start_shows_its_log() -> None:
    """Most often it is an option."""
    with pytest.raises(AssertionError, match="Bad directive"):
        RedisServer(["--no-such-option", "1"])
