"""Stacks of functions, joined to a picture and to a list of the most frequent."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.flamegraph import folded, svg, top, tree
from bench.profile import stacks_of_perf

STACKS = ["main;run;read 3", "main;run;write 6", "main;run 1"]

PERF = """
       250000 cpu-clock:pppH:
\t    7f1 read
\t    7f2 run
\t    7f3 main

       250000 cpu-clock:pppH:
\tffffffff81000000 do_syscall_64
\t    7f2 run
\t    7f3 main
"""


def test_stacks_that_begin_alike_are_one_box() -> None:
    """Else the picture would be a bar for each sample."""
    root = tree(folded(STACKS))
    assert root.samples == 10
    run = root.callees["main"].callees["run"]
    assert (run.samples, {name: each.samples for name, each in run.callees.items()}) == (
        10,
        {"read": 3, "write": 6},
    )


def test_the_top_tells_own_and_whole_share() -> None:
    """A function that only calls others has no share of its own."""
    assert top(folded(STACKS), 2) == [("write", 0.6, 0.6), ("read", 0.3, 0.3)]
    assert ("run", 0.1, 1.0) in top(folded(STACKS), 3)


def test_a_function_that_calls_itself_counts_once() -> None:
    """A share over 100 per cent would help nobody."""
    assert top(folded(["f;f;f 2"]), 1) == [("f", 1.0, 1.0)]


@pytest.mark.parametrize("name", ["<lambda>", 'say "x" & y', "operator<<"])
def test_the_picture_is_xml_whatever_functions_are_called(name: str) -> None:
    """Browsers show nothing of a picture with one wrong character."""
    picture = ElementTree.fromstring(svg(tree(folded([f"main;{name} 1"])), name))
    titles = [title.text or "" for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert any(title.startswith(f"{name}: 1 samples") for title in titles)


def test_stacks_of_perf_are_turned_round() -> None:
    """perf prints the innermost function first, and a head before each sample."""
    assert stacks_of_perf(PERF) == {("main", "run", "read"): 1, ("main", "run", "do_syscall_64"): 1}
