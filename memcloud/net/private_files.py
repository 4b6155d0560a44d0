"""Files of which a half would be worse than none, in a folder that is nobody else's.

A file appears and changes as a whole: it is written beside its place, brought to the disk, and
then put there. A crash leaves the old one or the new one, and perhaps half a `.new`, which the next
writer begins anew.
"""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from typing import NoReturn

from memcloud.errors import StateError


def make_private_folder(folder: Path) -> None:
    """Make a folder, and be sure that nobody else can enter it.

    Raises:
        StateError: it cannot be made, or is somebody else's.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.getuid():
            raise StateError(
                f"{folder} belongs to another user; give a folder of yours with --state-dir"
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise StateError(
            f"the folder {folder} cannot be used: {error.strerror};"
            " give another one with --state-dir"
        ) from error


def maybe_read_private(path: Path) -> bytes | None:
    """Return what is in a file, None if there is none.

    Raises:
        StateError: it cannot be read, or others can.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise StateError(
                    f"{path} is open to other users (mode {mode:o}); if none of them has read it,"
                    f" run: chmod 600 {path}"
                )
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}") from error


def replace(path: Path, content: bytes) -> None:
    """Write a file, new or anew.

    Raises:
        StateError: it cannot be written; what was there is there still.
    """
    beside = path.with_name(f"{path.name}.new")
    try:
        try:
            descriptor = os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        _cannot_write(path, error)


def lock(path: Path, refusal: str) -> int:
    """Lock a file until the descriptor that is returned is closed, or the process ends.

    Raises:
        StateError: another process has it, as ``refusal`` says, or it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        _cannot_write(path, error)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            raise StateError(refusal) from error
        _cannot_write(path, error)
    return descriptor


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, error: OSError) -> NoReturn:
    raise StateError(
        f"{path} cannot be written: {error.strerror};"
        " make room, or give another folder with --state-dir"
    ) from error
