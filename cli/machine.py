"""How much memory there is to lend from."""

from __future__ import annotations

from pathlib import Path

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def memory_total_bytes() -> int:
    """Return the RAM that this process may use: the machine's, or its control group's limit.

    In a container or a service the limit is what counts: a quarter of the machine may be all that
    the group is given.
    """
    import psutil

    total_bytes: int = psutil.virtual_memory().total
    return min(total_bytes, *_cgroup_limits(_OWN_CGROUP, _CGROUP_ROOT), total_bytes)


def _cgroup_limits(own: Path, root: Path) -> list[int]:
    """Return the memory limits of a process' control group and all groups around it (v2)."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []  # not Linux
    paths = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    limits = []
    for path in paths:
        group = root / path
        for folder in (group, *group.parents):
            if folder != root and root not in folder.parents:
                break
            limits += _maybe_limit(folder / "memory.max")
    return limits


def _maybe_limit(file: Path) -> list[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return []
    return [int(text)] if text.isdigit() else []
