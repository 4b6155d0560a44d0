"""A flame graph of folded stacks, as an SVG that a browser zooms by itself.

A line of a folded file is a stack, outermost function first and separated by semicolons, then a
space and how many samples had it. Each function becomes a box as wide as its share of the samples,
on top of its caller; the text of a box is in its tooltip, with figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from zlib import crc32

WIDTH = 1400
ROW = 17
LETTER = 7  # of the font that is used, roughly
SHARE_MIN = 0.0005  # what is narrower than a pixel is left out


@dataclass
class Frame:
    """A function as called by those below it: how many samples it was in."""

    name: str
    samples: int = 0
    callees: dict[str, Frame] = field(default_factory=dict)


def folded(lines: Iterable[str]) -> Counter[tuple[str, ...]]:
    """Return how many samples each stack has."""
    stacks: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        stack, _, count = line.rstrip().rpartition(" ")
        if stack:
            stacks[tuple(stack.split(";"))] += int(count)
    return stacks


def tree(stacks: Counter[tuple[str, ...]]) -> Frame:
    """Join stacks that begin alike."""
    root = Frame("all")
    for stack, count in stacks.items():
        frame = root
        frame.samples += count
        for name in stack:
            frame = frame.callees.setdefault(name, Frame(name))
            frame.samples += count
    return root


def top(stacks: Counter[tuple[str, ...]], count: int) -> list[tuple[str, float, float]]:
    """Return the functions that are most often innermost: name, own share, share with callees."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for stack, samples in stacks.items():
        own[stack[-1]] += samples
        for name in set(stack):
            whole[name] += samples
    total = stacks.total()
    return [
        (name, samples / total, whole[name] / total) for name, samples in own.most_common(count)
    ]


def svg(root: Frame, title: str) -> str:
    """Return the picture."""
    height = (_depth(root) + 2) * ROW
    boxes = "\n".join(_boxes(root, root.samples, 0.0, height - ROW))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="monospace" font-size="11">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n'
        f'<text x="4" y="{ROW - 5}">{escape(title)}</text>\n{boxes}\n</svg>\n'
    )


def _depth(frame: Frame) -> int:
    return 1 + max((_depth(callee) for callee in frame.callees.values()), default=0)


def _boxes(frame: Frame, total: int, x: float, y: float) -> Iterator[str]:
    share = frame.samples / total
    if share < SHARE_MIN:
        return
    width = WIDTH * share
    label = frame.name[: int(width / LETTER)] if width > 3 * LETTER else ""
    yield (
        f"<g><title>{escape(frame.name)}: {frame.samples} samples, {share:.1%}</title>"
        f'<rect x="{x:.1f}" y="{y:.0f}" width="{max(width - 0.5, 0.5):.1f}" height="{ROW - 1}" '
        f'fill="{_colour(frame.name)}"/>'
        f'<text x="{x + 2:.1f}" y="{y + ROW - 5:.0f}">{escape(label)}</text></g>'
    )
    for callee in sorted(frame.callees.values(), key=lambda callee: callee.name):
        yield from _boxes(callee, total, x, y - ROW)
        x += WIDTH * callee.samples / total


def _colour(name: str) -> str:
    """Return a warm colour, the same for the same function each time."""
    number = crc32(name.encode())
    return f"hsl({number % 45 + 10}, 85%, {number // 45 % 18 + 60}%)"
