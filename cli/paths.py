"""Where the files of a node are. All are named by its port, so that several nodes get along."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
import warnings
from pathlib import Path

from memcloud.errors import StartError

# What fits into sockaddr_un on macOS; Linux has 4 more.
SOCKET_PATH_BYTES_MAX = 103
PROBE_TIMEOUT_S = 1.0


def runtime_dir() -> Path:
    """Return the folder of the unix sockets, which may not exist yet."""
    import platformdirs

    try:
        with warnings.catch_warnings():
            # That it does not trust $XDG_RUNTIME_DIR and takes another is the right thing to do.
            warnings.simplefilter("ignore")
            return platformdirs.user_runtime_path("memcloud")
    except PermissionError:
        # There is a directory of the usual name that is not ours.
        return Path(tempfile.gettempdir(), f"memcloud-{os.getuid()}")


def state_dir() -> Path:
    """Return the folder of the logs and process ids, which may not exist yet."""
    import platformdirs

    return platformdirs.user_state_path("memcloud")


def socket_path(port: int) -> Path:
    """Return where the node on a port has its unix socket, unless it was told otherwise."""
    return runtime_dir() / f"{port}.sock"


def maybe_socket_path(port: int) -> Path | None:
    """Return `socket_path` if the system can open a socket of so long a name."""
    path = socket_path(port)
    return path if fits(path) else None


def fits(path: Path) -> bool:
    """Return whether a path is short enough for a unix socket."""
    return len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX


def pid_path(port: int) -> Path:
    """Return where ``memcli node start`` notes which process it has started."""
    return state_dir() / f"{port}.pid"


def log_path(port: int) -> Path:
    """Return where a node that ``memcli node start`` has started writes its log."""
    return state_dir() / f"{port}.log"


def make_private(folder: Path) -> None:
    """Make a folder, and be sure that nobody else can enter it.

    Raises:
        StartError: it cannot be made, or it is somebody else's.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise StartError(f"{folder} is not a directory of yours; remove it")
        if found.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise StartError(f"{folder} cannot be made: {error.strerror}") from error


def live_sockets() -> dict[int, Path]:
    """Return the sockets in the runtime folder that a node listens on, by port in order."""
    try:
        names = [path for path in runtime_dir().glob("*.sock") if path.stem.isdigit()]
    except OSError:
        return {}
    return {int(path.stem): path for path in sorted(names, key=_port) if is_live(path)}


def is_live(path: Path) -> bool:
    """Return whether somebody listens on a unix socket."""
    if not fits(path):
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_TIMEOUT_S)
        try:
            probe.connect(os.fspath(path))
        except OSError:
            return False
    return True


def _port(path: Path) -> int:
    return int(path.stem)
