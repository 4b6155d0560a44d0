"""The memory limits of the process' control group and of all groups around it, version 1 and 2.

In a container the files of the outer groups are out of sight and the own ones stand at the root,
while the path still names the group from the outside; so every folder from the group up to the
root is looked at, and those that do not exist are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path("/sys/fs/cgroup")
OWN_GROUPS: Final = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class Group:
    """A control group that can limit memory."""

    folder: Path
    limit_file: str
    used_file: str
    reclaimable_field: str  # of memory.stat: cached files that the system drops by itself

    def limit_bytes(self) -> int | None:
        """Return the limit; None without one."""
        return _number(self.folder / self.limit_file)

    def used_bytes(self) -> int | None:
        """Return what its processes use, without what the system drops by itself."""
        used_bytes = _number(self.folder / self.used_file)
        if used_bytes is None:
            return None
        return max(0, used_bytes - self._reclaimable_bytes())

    def _reclaimable_bytes(self) -> int:
        name = self.reclaimable_field + " "
        for line in _text(self.folder / "memory.stat").splitlines():
            if line.startswith(name):
                return int(line.removeprefix(name))
        return 0


def find_groups(own: Path = OWN_GROUPS, root: Path = ROOT) -> list[Group]:
    """Return the groups of this process that can limit memory; none outside Linux."""
    groups: list[Group] = []
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            names = ("memory.max", "memory.current", "inactive_file")
            tops = [root, root / "unified"]
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            tops = [root / "memory"]
        else:
            continue
        for top in tops:
            groups += [
                Group(folder, *names)
                for folder in _folders(top, path)
                if (folder / names[0]).is_file()
            ]
    return groups


def _folders(top: Path, path: str) -> list[Path]:
    """Return the folder of a group and those of the groups around it."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [top.joinpath(*parts[:count]) for count in range(len(parts), -1, -1)]


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdigit() else None  # version 2 says 'max' for no limit


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
