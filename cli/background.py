"""Nodes that run in the background: starting, finding and stopping their processes.

For each port there is a log file and, while a node runs that was started here, a file with its
process id. The system gives process ids to other processes again, so the file also has the time at
which the process began: only if both are right is it the node, and only then does it get a signal.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from memcloud.settings import Settings

from . import paths
from .connection import LOOPBACK, Target
from .output import CliError, fail

if TYPE_CHECKING:
    import psutil

# Far more than a node needs, for machines under load.
START_TIMEOUT_S = 60.0
# A node hands over and says goodbye before it goes.
STOP_TIMEOUT_S = 90.0
POLL_S = 0.05
FAILURE_LINES = 10
ANSWER_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Started:
    """A process that `start` has started."""

    pid: int
    created: float  # Unix seconds, as the system has it


def start(settings: Settings, arguments: Sequence[str]) -> Started:
    """Start a node with the arguments of memnode, and return when it answers.

    Raises:
        CliError: it ends or does not answer in time; then it is not running any more.
        StartError: the folder of its log cannot be made.
    """
    if (other := maybe_process_id(settings)) is not None:
        fail(f"port {settings.port} is taken: {_shown(other)} answers there already")
    paths.make_private(paths.state_dir())
    log = paths.log_path(settings.port)
    with log.open("ab") as file:
        begin = file.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "memcloud.cli.memnode", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that it outlives the terminal
        )
    try:
        _wait_until_ready(process, settings, log, begin)
        import psutil

        started = Started(process.pid, psutil.Process(process.pid).create_time())
        paths.pid_path(settings.port).write_text(json.dumps(asdict(started)))
    except BaseException:
        process.terminate()
        process.wait(STOP_TIMEOUT_S)
        raise
    # Popen warns of children that are alive when it is forgotten; this one shall be.
    process.returncode = 0
    return started


def stop(port: int, timeout_s: float = STOP_TIMEOUT_S, *, at_once: bool = False) -> Started:
    """Stop the node that `start` started on a port, and return when it has ended.

    ``at_once``: it gets no time to give its keys away.

    Raises:
        CliError: there is none, or it does not end in time.
    """
    import psutil

    started, process = find_running(port)
    with contextlib.suppress(psutil.NoSuchProcess):  # it may be on its way out already
        if at_once:
            process.kill()
        else:
            process.terminate()
    try:
        process.wait(timeout_s)
    except psutil.TimeoutExpired:
        fail(f"process {started.pid} has not ended within {timeout_s:g} s; see {log_hint(port)}")
    paths.pid_path(port).unlink(missing_ok=True)
    return started


def wait_end(port: int, started: Started, timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Return when a process that was told to has ended.

    Raises:
        CliError: it has not in time.
    """
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(started.pid)
        if process.create_time() == started.created:
            try:
                process.wait(timeout_s)
            except psutil.TimeoutExpired:
                fail(f"process {started.pid} is still there; see {log_hint(port)}")
    paths.pid_path(port).unlink(missing_ok=True)


def maybe_started(port: int) -> Started | None:
    """Return the running process that `start` started on a port."""
    found = _maybe_running(port)
    return None if found is None else found[0]


def maybe_process_id(settings: Settings) -> int | None:
    """Return the process id of the node that answers with these settings.

    0 stands for somebody who answers and does not say.
    """
    import redis

    host = LOOPBACK if settings.bind == "0.0.0.0" else settings.bind
    target = Target(host="::1" if host == "::" else host, port=settings.port)
    try:
        with target.client(ANSWER_TIMEOUT_S, settings.requirepass or None) as client:
            return int(client.info("server").get("process_id", 0))
    except redis.AuthenticationError:
        return 0
    except (redis.ConnectionError, redis.TimeoutError):
        return None
    except redis.ResponseError:
        return 0


def log_hint(port: int) -> str:
    """Return the command that shows the log."""
    return f"memcli node logs -p {port}"


def last_lines(log: Path, count: int, begin: int) -> list[str]:
    """Return the last lines of a log from an offset on; none if there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(begin)
            return file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def follow(log: Path, begin: int) -> Iterator[bytes]:
    """Yield what a log has from an offset on, and what is appended to it, for ever."""
    with log.open("rb") as file:
        file.seek(begin)
        while True:
            if data := file.read():
                yield data
            else:
                time.sleep(POLL_S)


def _wait_until_ready(
    process: subprocess.Popen[bytes], settings: Settings, log: Path, begin: int
) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        # Somebody else may have taken the port: it has to be this process that answers.
        if maybe_process_id(settings) == process.pid:
            return
        time.sleep(POLL_S)
    code = process.poll()
    what = f"does not answer after {START_TIMEOUT_S:g} s" if code is None else "has ended"
    said = " | ".join(last_lines(log, FAILURE_LINES, begin)) or "nothing"
    fail(f"the node {what}; its log ({log}) says: {said}")


def find_running(port: int) -> tuple[Started, psutil.Process]:
    """Return the process of the node on a port."""
    found = _maybe_running(port)
    if found is not None:
        return found
    other = maybe_process_id(Settings("", port=port))
    if other is None:
        fail(f"no node runs on port {port}")
    raise CliError(
        f"{_shown(other)} on port {port} was not started by memcli node start; "
        "stop it where it was started"
    )


def _maybe_running(port: int) -> tuple[Started, psutil.Process] | None:
    import psutil

    try:
        note = json.loads(paths.pid_path(port).read_text())
        started = Started(int(note["pid"]), float(note["created"]))
        process = psutil.Process(started.pid)
        if process.create_time() == started.created and process.status() != psutil.STATUS_ZOMBIE:
            return started, process
    except (FileNotFoundError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        return None
    return None


def _shown(process_id: int) -> str:
    return f"the node with process id {process_id}" if process_id else "a server"
