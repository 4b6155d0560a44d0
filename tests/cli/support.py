"""Running memnode and memcli as their users do, each in a process or in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

TIMEOUT_S = 100.0


@dataclass(frozen=True)
class Home:
    """Folders of a user who has no nodes yet, and the variables that lead programs to them."""

    folder: Path

    @property
    def runtime(self) -> Path:
        """Where the unix sockets are."""
        return self.folder / "run"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of the tests without what this machine's user has set."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MEMCLOUD_", "XDG_")) and name != "NO_COLOR"
        }
        return kept | {
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "XDG_STATE_HOME": str(self.folder / "state"),
        }

    def memcli(
        self,
        *arguments: str,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run memcli in a process and return how it ended."""
        return self._run("memcli", arguments, stdin, variables or {})

    def memnode(
        self, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run memnode in a process and return how it ended; for what ends by itself."""
        return self._run("memnode", arguments, b"", variables or {})

    def _run(
        self, program: str, arguments: tuple[str, ...], stdin: bytes, more: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", f"memcloud.cli.{program}", *arguments],
            input=stdin,
            capture_output=True,
            env={**self.variables, **more},
            cwd=self.folder,
            timeout=TIMEOUT_S,
            check=False,
        )


@dataclass(frozen=True)
class Done:
    """How memcli ended in this process."""

    code: int
    out: bytes
    err: str

    @property
    def sentence(self) -> str:
        """The one line on standard error; fail if it is more or less than one."""
        (line,) = self.err.splitlines()
        return line


class Call(Protocol):
    """Runs memcli in this process."""

    def __call__(self, *arguments: str) -> Done:
        """Return how it ended with these arguments."""
        ...


def sentence(done: subprocess.CompletedProcess[bytes]) -> str:
    """Return the one line on standard error; fail if it is more or less than one."""
    (line,) = done.stderr.decode().splitlines()
    return line
