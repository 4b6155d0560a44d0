"""The result as a page: first what was aimed at and what was reached, then a section each.

The sections are kept beside the page in a file of their own, so that one subject can be measured
again (`--only`) without losing the others. Each says when it was taken and of which memnode.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

REACHED = "reached"
FALLS_SHORT = "**falls short**"
_HEAD = """\
# Measurements

Made by `make bench`, which starts all servers, ours and the others, in the same run on the same
machine; [how to read and repeat it](../docs/performance.md). CPU is the user and system time of all
processes of a server. Ratios are memnode's figure divided by the other's.
"""


@dataclass(frozen=True)
class Goal:
    """A figure that was aimed at, and what was reached."""

    what: str
    target: str
    reached: str
    is_reached: bool


@dataclass
class Table:
    """Rows of cells under a head; ``str`` prints it in Markdown."""

    head: Sequence[str]
    texts: int = 1
    rows: list[list[str]] = field(default_factory=list)

    def __str__(self) -> str:
        rule = "|" + "---|" * self.texts + "---:|" * (len(self.head) - self.texts)
        return "\n".join([_row(self.head), rule, *map(_row, self.rows)])


@dataclass
class Section:
    """What one subject has shown; tables and sentences are added as they come."""

    name: str
    title: str
    taken: str = ""  # when, where, by which versions
    goals: list[Goal] = field(default_factory=list)
    parts: list[str | Table] = field(default_factory=list)
    order: int = 0

    def say(self, text: str) -> None:
        """Add a paragraph."""
        self.parts.append(text)

    def table(self, head: Sequence[str], texts: int = 1) -> list[list[str]]:
        """Add a table and return its rows, to be filled: so that one cut off shows what it has.

        All columns but the first ``texts`` hold figures.
        """
        table = Table(head, texts)
        self.parts.append(table)
        return table.rows

    def at_most(self, what: str, figure: float, limit: float, form: str = "{:.2f}") -> None:
        """Add a goal: the figure should not exceed the limit."""
        self.goals.append(
            Goal(what, "≤ " + form.format(limit), form.format(figure), figure <= limit)
        )

    def at_least(self, what: str, figure: float, limit: float, form: str = "{:.2f}") -> None:
        """Add a goal: the figure should not be below the limit."""
        self.goals.append(
            Goal(what, "≥ " + form.format(limit), form.format(figure), figure >= limit)
        )

    def not_measured(self, what: str, reason: str) -> None:
        """Add a goal of which nothing is known, and say why."""
        self.goals.append(Goal(what, "", "not measured", is_reached=False))
        self.say(f"Not measured: {what}: {reason}")

    def as_json(self) -> dict[str, Any]:
        """Return the section to be kept, its tables as they are printed."""
        parts = [str(part) for part in self.parts]
        return {**vars(self), "goals": [asdict(goal) for goal in self.goals], "parts": parts}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """Return a section as it was kept."""
        return cls(**{**kept, "goals": [Goal(**goal) for goal in kept["goals"]]})


class Results:
    """The sections of the last runs, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def merged(self, new: Sequence[Section]) -> list[Section]:
        """Return what is kept, with new sections in the place of old ones of their name."""
        kept: list[dict[str, Any]] = (
            json.loads(self._path.read_text()) if self._path.exists() else []
        )
        sections = {section["name"]: Section.from_json(section) for section in kept}
        sections |= {section.name: section for section in new}
        return sorted(sections.values(), key=lambda section: section.order)

    def keep(self, sections: Sequence[Section]) -> None:
        """Write the sections."""
        text = json.dumps([section.as_json() for section in sections], indent=1, ensure_ascii=False)
        self._path.write_text(text + "\n")


def page(sections: Sequence[Section], remarks: str = "") -> str:
    """Return the page in Markdown, which reads well on a terminal too.

    ``remarks`` stand behind the summary, written by hand.
    """
    lines = [_HEAD, *_summary(sections), *([f"\n{remarks.strip()}"] if remarks else [])]
    for section in sections:
        lines += ["", f"## {section.title}", "", section.taken]
        lines += [line for part in section.parts for line in ("", str(part))]
    return "\n".join([*lines, ""])


def ratio(subject: float, other: float) -> str:
    """Return one figure divided by another, or a dash if there is nothing to divide by."""
    return f"{subject / other:.2f}x" if other > 0 else "-"


def _summary(sections: Sequence[Section]) -> Iterator[str]:
    goals = [(section, goal) for section in sections for goal in section.goals]
    if not goals:
        return
    short = sum(not goal.is_reached for _, goal in goals)
    yield f"Of {len(goals)} targets {len(goals) - short} are reached, {short} are not."
    yield ""
    yield _row(["subject", "what", "target", "measured", ""])
    yield "|---|---|---:|---:|---|"
    for section, goal in goals:
        mark = REACHED if goal.is_reached else FALLS_SHORT
        yield _row([section.name, goal.what, goal.target, goal.reached, mark])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
