"""Whether what clients saw of one key could have come from one register that does one thing at a
time (Wing and Gong's search with Lowe's memory of the states that were seen)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .operations import FOREVER, Operation

STEPS_MAX = 300_000
Step = tuple[float, float, str, str, str]  # called, returned, name, value, reply


Wipes = dict[str, list[tuple[float, float]]]


def violation(operations: Iterable[Operation], wipes: Wipes, *, is_fork: bool) -> str | None:
    """Return what is wrong with a history, or None; ``wipes`` are windows by key.

    That of a fork begins with whatever the keys were then.
    """
    by_key: dict[str, list[Operation]] = defaultdict(list)
    for each in operations:
        by_key[each.key].append(each)
    for key in sorted(by_key):
        wrong = _check(by_key[key], wipes.get(key, []), is_fork=is_fork)
        if wrong:
            return f"{key}: {wrong}"
    return None


def _check(
    operations: list[Operation], wipes: list[tuple[float, float]], *, is_fork: bool
) -> str | None:
    read = {each.reply for each in operations if each.name == "get"}
    must: list[Step] = [(first, last, "wipe", "", "") for first, last in wipes]
    may: list[Step] = []
    starts = {"nil"}
    for each in operations:
        step = (each.called_ms, each.returned_ms, each.name, each.value, each.reply)
        if each.returned_ms < FOREVER:
            must.append(step)
            if is_fork and each.name == "incr":
                starts.add(str(int(each.reply) - 1))
        elif each.name == "incr" or each.value in read:
            may.append(step)
    if is_fork:
        starts |= read
    must.sort()
    may.sort()
    return _search(must, may, sorted(starts))


def _search(must: list[Step], may: list[Step], starts: list[str]) -> str | None:
    """Depth first over (first open, others done, unknown ones that happened, value)."""
    count, steps, furthest = len(must), 0, 0
    stack = [(0, 0, 0, value) for value in starts]
    seen = set(stack)
    while stack:
        base, done, used, value = stack.pop()
        if base == count:
            return None
        steps += 1
        if steps > STEPS_MAX:
            return "undecided"
        furthest = max(furthest, base)
        deadline = min(
            step[1] for index, step in enumerate(must[base : base + 40]) if not done >> index & 1
        )
        found = []
        incr_tried = False
        for index, step in enumerate(may):
            if step[0] > deadline:
                break
            if used >> index & 1 or (step[2] == "incr" and incr_tried):
                continue
            incr_tried = incr_tried or step[2] == "incr"
            after = _apply(step, value)
            found.append((base, done, used | 1 << index, after))
        index = base
        while index < count and must[index][0] <= deadline:
            if not done >> (index - base) & 1:
                step = must[index]
                after = _apply(step, value)
                if _fits(step, value, after):
                    new_base, new_done = base, done | 1 << (index - base)
                    while new_done & 1:
                        new_base, new_done = new_base + 1, new_done >> 1
                    found.append((new_base, new_done, used, after))
            index += 1
        for state in found:
            if state not in seen:
                seen.add(state)
                stack.append(state)
    window = must[max(0, furthest - 3) : furthest + 6]
    return f"not linearizable near {window}, unknown {may[:6]}"


def _apply(step: Step, value: str) -> str:
    name = step[2]
    if name == "set":
        return step[3]
    if name == "incr":
        return str(int(value) + 1) if value != "nil" else "1"
    return "nil" if name == "wipe" else value


def _fits(step: Step, value: str, after: str) -> bool:
    if step[2] == "get":
        return step[4] == value
    return step[2] != "incr" or step[4] == after
