"""Servers that run: started on free ports of the loopback interface, watched, stopped.

None outlives the measurement: each is stopped by the context that started it, and where Linux can
do it (setpriv), the kernel kills it when the measurement itself is killed.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from .client import Client
from .errors import BenchError
from .ports import free_port
from .programs import Program

START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 15.0
_CPUCLOCK_SCHED = 2  # kernel: include/linux/posix-timers.h; the clock of all threads of a process


class Server:
    """A running server."""

    def __init__(self, program: Program, port: int, process: subprocess.Popen[bytes]) -> None:
        self.program = program
        self.port = port
        self._popen = process
        self._process = psutil.Process(process.pid)

    @property
    def title(self) -> str:
        """Name and version, as the tables show them."""
        return self.program.title

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    def cpu_seconds(self) -> float:
        """Return the processor time used so far, user and system, of all threads together.

        By the scheduler's clock in nanoseconds where there is one (Linux), for /proc counts in
        hundredths of a second.
        """
        try:
            return time.clock_gettime((~self.pid << 3) | _CPUCLOCK_SCHED)
        except (OSError, AttributeError):
            times = self._process.cpu_times()
            return times.user + times.system

    def resident_bytes(self) -> int:
        """Return the memory that the process occupies."""
        resident: int = self._process.memory_info().rss
        return resident

    def peak_bytes(self) -> int:
        """Return the most memory that the process occupied since `forget_peak` (Linux)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        if match is None:
            raise BenchError("this system does not tell the peak of a process' memory")
        return int(match[1]) << 10

    def forget_peak(self) -> None:
        """Let `peak_bytes` begin anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    def client(self) -> Client:
        """Return a client on a new connection."""
        return Client(self.connect())

    def info(self) -> dict[str, str]:
        """Return all of INFO."""
        with self.client() as client:
            return client.info()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        self._popen.send_signal(number)

    def wait_until_ready(self) -> None:
        """Return once it answers. Raises BenchError if it ends or never does."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self._popen.poll() is not None:
                raise BenchError(f"{self.title} ended with {self._popen.returncode}")
            try:
                with self.connect() as connection:
                    connection.sendall(self.program.greeting)
                    if connection.recv(16).startswith(self.program.greeted):
                        return
            except OSError:
                pass  # not yet
            time.sleep(0.02)
        raise BenchError(f"{self.title} did not answer in {START_SECONDS_MAX:.0f} s")

    def stop(self) -> None:
        """End the process, by force if it does not go."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGCONT)
        self._popen.terminate()
        try:
            self._popen.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


@contextmanager
def running(program: Program, *options: str) -> Iterator[Server]:
    """Start a server with some more words on its command line, and stop it at the end."""
    if program.missing:
        raise BenchError(program.missing)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="memcloud-bench-") as name:
        folder = Path(name)
        with (folder / "log").open("wb") as log:
            words = [*dying_with_us(), *program.command(port, folder), *options]
            process = subprocess.Popen(
                words, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        server = Server(program, port, process)
        try:
            server.wait_until_ready()
            yield server
        except (BenchError, OSError) as error:
            printed = (folder / "log").read_text(errors="replace")[-2000:]
            if process.poll() is None:
                raise  # it is not this server that failed
            raise BenchError(f"{program.title} ended: {error}\n{printed}".rstrip()) from error
        finally:
            server.stop()


@contextmanager
def all_running(programs: Sequence[Program], *options: str) -> Iterator[list[Server]]:
    """Start each of the servers that are not missing, and stop them all at the end."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(running(program, *options))
            for program in programs
            if not program.missing
        ]


def dying_with_us() -> list[str]:
    """Return words before a command line that let the kernel end the process when ours ends."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
