"""A real redis-server for tests that compare us with it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

START_SECONDS_MAX = 30.0
"""How long a server may take until it listens: generous, for machines under load."""

_POLL_SECONDS = 0.02

_START_ATTEMPTS_MAX = 5
"""A port found free can be taken before the server binds it; then another one is tried."""


class RedisServerMissing(AssertionError):
    """redis-server is not installed, so that nothing can be compared with it: the test fails."""


class RedisServer:
    """redis-server on a free port of the loopback interface, keeping nothing on disk.

    Use it as a context manager, or call `close`. ``options`` are words of redis-server's command
    line, for example ``["--requirepass", "secret"]``. Raises `RedisServerMissing` when there is
    no redis-server, and `AssertionError` with its log when it does not start.
    """

    host = "127.0.0.1"

    def __init__(self, options: list[str] | None = None) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise RedisServerMissing(
                "redis-server is not installed: run scripts/install-test-tools.sh"
            )
        # Its own empty folder, since redis-server writes where it is started.
        self._folder = tempfile.TemporaryDirectory(prefix="memcloud-redis-")
        self._log = Path(self._folder.name, "log")
        self._command = [
            *(program, "--bind", self.host, "--save", "", "--appendonly", "no"),
            *("--dir", self._folder.name, *(options or [])),
        ]
        self.port = 0
        self._process = self._start()

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    def connect(self, timeout_seconds: float = 10.0) -> socket.socket:
        """A new TCP connection to the server, with a timeout on each operation."""
        return socket.create_connection((self.host, self.port), timeout=timeout_seconds)

    def close(self) -> None:
        """Stop the server; to call it again does nothing."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        for _ in range(_START_ATTEMPTS_MAX):
            self.port = free_port()
            with self._log.open("wb") as log:
                process = subprocess.Popen(
                    [*self._command, "--port", str(self.port)], stdout=log, stderr=log
                )
            if self._becomes_ready(process):
                return process
            process.kill()
            process.wait()
        said = self._log_text()
        self._folder.cleanup()
        raise AssertionError(f"redis-server did not start: {said}")

    def _becomes_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether the server listens before it ends or the time is up.

        Its own log tells, rather than a PING: a neighbour that has taken the port in between
        would answer that, and a server with a password would refuse it.
        """
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if "Ready to accept connections" in self._log_text():
                return True
            try:
                process.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return False
        return False

    def _log_text(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
