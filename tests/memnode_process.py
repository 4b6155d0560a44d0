"""Real nodes, each in a process of its own, on loopback: for tests with real clients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from tests.ports import free_port

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Wait until something holds; generous, since it ends as soon as it does."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not in {timeout_s} s: {what}"
        time.sleep(0.02)  # between two looks at another process there is nothing to wait on


class MemnodeProcess:
    """One memnode; a context manager that stops it."""

    def __init__(self, *flags: str, name: str | None = None, port: int | None = None) -> None:
        self.port = port or free_port()
        self.name = name or f"node-{self.port}"
        self.directory = tempfile.TemporaryDirectory(prefix="memnode-")
        self.socket_path = str(Path(self.directory.name) / "node.sock")
        self.log_path = Path(self.directory.name) / "log"
        self._flags = [
            "--name", self.name, "--port", str(self.port), "--socket", self.socket_path,
            "--state-dir", str(Path(self.directory.name) / "state"),
            *flags,
        ]  # fmt: skip
        if "--memory" not in flags:
            self._flags += ["--memory", "256mb"]
        self.prefix: Sequence[str] = ()  # a command that runs the node, say with other limits
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> Self:
        """Start the process without waiting for it."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MEMCLOUD_")}
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "memcloud.cli.memnode", *self._flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )
        return self

    def start(self) -> Self:
        """Start the process and wait until it answers."""
        self.launch()
        try:
            self.wait_ready()
        except BaseException:
            # Nobody else would end it: a context that could not be entered is not left.
            self.kill()
            raise
        return self

    def wait_ready(self) -> None:
        """Wait until the node answers."""
        wait_for(self._answers, f"{self.name} answers", START_TIMEOUT_S)

    def client(self, **options: Any) -> Any:
        """Return a redis-py client of this node; its own types mix those of its asyncio twin in."""
        return redis.Redis(port=self.port, socket_timeout=60, **options)

    @property
    def pid(self) -> int:
        """The process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> str:
        """What the node has said so far."""
        return self.log_path.read_text(errors="replace")

    def members(self) -> set[str]:
        """Return the names of the members that the node sees alive."""
        with self.client() as client:
            rows = client.execute_command("PEERS")
        described = [dict(zip(row[::2], row[1::2], strict=True)) if isinstance(row, list) else row
                     for row in rows]  # fmt: skip
        return {row[b"name"].decode() for row in described if row[b"state"] in (b"self", b"alive")}

    def table(self) -> tuple[str, int]:
        """Return the number of the slot table that the node goes by, and what is left to move."""
        with self.client() as client:
            facts = client.info("memcloud")
        return str(facts["table_epoch"]), int(facts["slots_to_move"])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        os.kill(self.pid, number)

    def stop(self) -> int:
        """Stop the node politely and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """Kill the process."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)

    def _answers(self) -> bool:
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"{self.name} ended with {code}:\n{self.log}"
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.AuthenticationError:  # derived from the next one
            return True
        except redis.ConnectionError:
            return False

    def __enter__(self) -> Self:
        if self.process is None:
            self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            print(f"--- log of {self.name}\n{self.log}")
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self.directory.cleanup()


class MemnodeCluster:
    """Several nodes of a cluster of their own; a context manager that stops those still running.

    They find each other by mDNS on the loopback interface unless ``join`` is given.
    """

    def __init__(self, size: int, *flags: str, use_mdns: bool = True) -> None:
        cluster = f"test-{uuid.uuid4().hex[:12]}"
        common = ["--cluster", cluster, *flags]
        self.nodes: list[MemnodeProcess] = []
        for number in range(size):
            extra: Sequence[str] = () if use_mdns else ("--no-mdns",)
            if not use_mdns and self.nodes:
                extra = ("--no-mdns", "--join", f"127.0.0.1:{self.nodes[0].port}")
            self.nodes.append(MemnodeProcess(*common, *extra, name=f"n{number + 1}"))

    def __enter__(self) -> Self:
        for node in self.nodes:
            node.launch()
        try:
            for node in self.nodes:
                node.wait_ready()
            self.wait_agreed()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def wait_agreed(self) -> None:
        """Wait until each running node sees exactly the running ones, and all have their slots."""
        running = [node for node in self.nodes if node.process and node.process.poll() is None]
        names = {node.name for node in running}

        def is_agreed() -> bool:
            if any(node.members() != names for node in running):
                return False
            tables = {node.table() for node in running}
            return len(tables) == 1 and tables.pop()[1] == 0

        wait_for(is_agreed, f"all see {names}, and nothing is left to move")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for node in self.nodes:
            node.__exit__(kind, error, traceback)
