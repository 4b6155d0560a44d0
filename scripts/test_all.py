"""Runs the test suite on every Python from 3.11 on that this machine has.

Usage: python scripts/test_all.py [--list] [FLAGS FOR PYTEST]

Interpreters are looked for on PATH and among pyenv's. Each version gets an environment of its own
under .venvs/. The exit code is 1 if the suite failed on any of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
_TELL_VERSION = "import sys; print(*sys.version_info[:3], sys.implementation.name)"


def candidates() -> Iterator[Path]:
    """Yield everything that may be a Python interpreter, the same one perhaps twice."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders += sorted(pyenv.glob("versions/*/bin"))
    for folder in folders:
        for pattern in ("python3", "python3.[0-9]", "python3.[0-9][0-9]"):
            yield from sorted(folder.glob(pattern))


def version_of(interpreter: Path) -> tuple[int, int, int] | None:
    """Return the version of a CPython, or None if it is something else or does not start."""
    told = subprocess.run(
        [interpreter, "-c", _TELL_VERSION], capture_output=True, text=True, check=False
    )
    words = told.stdout.split()
    if told.returncode != 0 or len(words) != 4 or words[3] != "cpython":
        return None
    major, minor, micro = (int(word) for word in words[:3])
    return major, minor, micro


def interpreters() -> dict[tuple[int, int, int], Path]:
    """Return one interpreter for each version that is new enough, oldest first."""
    found: dict[tuple[int, int, int], Path] = {}
    own = Path(sys.executable).parent
    for candidate in candidates():
        if candidate.parent == own:
            continue  # the environment that runs this script is no interpreter of the machine
        version = version_of(candidate)
        if version is not None and version[:2] >= OLDEST:
            found.setdefault(version, candidate)
    return dict(sorted(found.items()))


def run_suite(name: str, interpreter: Path, flags: list[str]) -> bool:
    """Make the environment for one interpreter if need be; return whether the suite passed."""
    folder = Path(".venvs", name)
    made = subprocess.run(
        ["scripts/setup.sh", str(folder), "dev"],
        cwd=ROOT,
        env={**os.environ, "PYTHON": str(interpreter)},
        check=False,
    )
    if made.returncode != 0:
        return False
    command = [str(folder / "bin/python"), "-m", "pytest", "-n", "2", "--dist", "loadfile", *flags]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def main(flags: list[str]) -> int:
    """Run the suite everywhere; return the exit code."""
    results: dict[str, bool] = {}
    for version, interpreter in interpreters().items():
        name = ".".join(map(str, version))
        print(f"=== Python {name} ({interpreter})", flush=True)
        if "--list" not in flags:
            results[name] = run_suite(name, interpreter, flags)
    for name, passed in results.items():
        print(f"Python {name}: {'passed' if passed else 'FAILED'}")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
