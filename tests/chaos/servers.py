"""The servers that are tried: memnodes that find each other, and a Redis Cluster beside them."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .network import Host, enter

PORT = 6380
START_TIMEOUT_S = 60.0
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class StartFailure(Exception):
    """A server did not come up, or not into the cluster."""


class Server:
    """A server on a machine of its own."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder / str(host.number)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return how it is started."""
        raise NotImplementedError

    def launch(self) -> None:
        """Start the process without waiting for it."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.host.namespace, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for the script alone
                preexec_fn=_die_with_parent,
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the process at once, even if it is stopped."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def log(self) -> str:
        """Return what the server has said."""
        return (self.folder / "log").read_text(errors="replace")


class Memnode(Server):
    """One of our nodes, which knows the addresses of all machines."""

    def __init__(self, host: Host, folder: Path, flags: list[str]) -> None:
        super().__init__(host, folder)
        self._flags = flags

    def command(self) -> list[str]:
        """See `Server.command`."""
        return [
            sys.executable, "-m", "memcloud.cli.memnode", "--name", f"n{self.host.number}",
            "--cluster", "chaos", "--port", str(PORT), "--socket", "none", "--memory", "2gb",
            "--peer-bind", self.host.address, "--state-dir", str(self.folder / "state"),
            *self._flags,
        ]  # fmt: skip


class RedisServer(Server):
    """A member of a Redis Cluster."""

    def command(self) -> list[str]:
        """See `Server.command`."""
        program = shutil.which("redis-server")
        assert program is not None
        return [
            program, "--port", str(PORT), "--bind", "0.0.0.0", "--protected-mode", "no",
            "--save", "", "--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
            "--cluster-config-file", "nodes.conf", "--repl-diskless-sync-delay", "0",
            "--dir", str(self.folder),
        ]  # fmt: skip


def ask(server: Server, *words: str) -> Any:
    """Return the reply of a server to a command given on its own machine.

    Raises:
        redis.RedisError: it does not answer.
    """

    def within() -> Any:
        enter(server.host.namespace)
        client = redis.Redis(
            "127.0.0.1",
            PORT,
            socket_timeout=2,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        with client:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]

    # A thread of its own, for the programs that this one starts shall stay where they are.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(within).result()


def slots_of(server: Server) -> set[int]:
    """Return the slots that a server owns by its own word."""
    text = str(ask(server, "CLUSTER", "NODES"))
    (mine,) = [line.split() for line in text.splitlines() if "myself" in line]
    slots: set[int] = set()
    for field in mine[8:]:
        if not field.startswith("["):
            first, _, last = field.partition("-")
            slots.update(range(int(first), int(last or first) + 1))
    return slots


def machines_with(server: Server, key: bytes) -> set[int]:
    """Return the numbers of the machines that a key is on, as a member of the pool says."""
    place = ask(server, "PEER", "WHERE", key.decode())
    return {int(name.removeprefix("n")) for name in [place["primary"], *place["backups"]]}


def epoch(server: Server) -> int:
    """Return the number of the table in force."""
    lines = str(ask(server, "CLUSTER", "INFO")).splitlines()
    fields = dict(line.split(":", 1) for line in lines if line)
    return int(fields["cluster_current_epoch"])


def is_copying(server: Server) -> bool:
    """Return whether a member of a Redis Cluster is a replica that has no full copy yet."""
    facts: dict[str, Any] = ask(server, "INFO", "replication")
    return facts.get("master_link_status") == "down"


def slots_short_of_copies(server: Server) -> int:
    """Return how many slots of a node are on fewer members than they should be."""
    facts: dict[str, Any] = ask(server, "INFO", "memcloud")
    return int(facts["slots_short_of_copies"])


def form_redis_cluster(servers: list[Server]) -> None:
    """Make half of the servers primaries and the others their replicas."""
    program = shutil.which("redis-cli")
    assert program is not None
    addresses = [f"{server.host.address}:{PORT}" for server in servers]
    subprocess.run(
        ["ip", "netns", "exec", servers[0].host.namespace, program, "--cluster", "create",
         *addresses, "--cluster-replicas", "1", "--cluster-yes"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip


def offered_flags() -> str:
    """Return what `memnode --help` says, to tell which faults can be tried."""
    command = [sys.executable, "-m", "memcloud.cli.memnode", "--help"]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "COLUMNS": "200"},
    ).stdout  # fmt: skip


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
