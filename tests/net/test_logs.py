"""Log lines that strangers can cause: one a minute, and none is lost from the count."""

from __future__ import annotations

import logging

from memcloud.net.logs import SELDOM_S, SeldomFilter
from memcloud.seldom import SELDOM


def record(
    text: str, *args: object, at_s: float = 0.0, is_seldom: bool = True
) -> logging.LogRecord:
    """Return a line that is to be logged at that time."""
    line = logging.LogRecord("memcloud", logging.INFO, "", 0, text, args, None)
    line.created = at_s
    if is_seldom:
        line.__dict__.update(SELDOM)
    return line


def test_a_line_with_the_same_text_is_written_once_a_minute() -> None:
    """Whatever is filled in: a scanner comes from another port each time."""
    seldom = SeldomFilter()
    assert seldom.filter(record("%s is odd", "a"))
    assert not seldom.filter(record("%s is odd", "b", at_s=SELDOM_S - 0.1))
    assert seldom.filter(record("%s is odd", "c", at_s=SELDOM_S))


def test_the_next_line_tells_how_many_there_were() -> None:
    """One and a thousand are different things."""
    seldom = SeldomFilter()
    for number in range(4):
        seldom.filter(record("%s is odd", number))
    following = record("%s is odd", "x", at_s=SELDOM_S)
    assert seldom.filter(following)
    assert following.getMessage() == "x is odd (and 3 more like it)"
    last = record("%s is odd", "x", at_s=2 * SELDOM_S)
    assert seldom.filter(last)
    assert last.getMessage() == "x is odd"


def test_other_texts_and_other_lines_are_not_touched() -> None:
    """What happens to the node itself is always told."""
    seldom = SeldomFilter()
    assert seldom.filter(record("one"))
    assert seldom.filter(record("another"))
    for _ in range(3):
        assert seldom.filter(record("n2 joined", is_seldom=False))


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    """The time of a line is that of the wall."""
    seldom = SeldomFilter()
    assert seldom.filter(record("odd", at_s=1000.0))
    assert seldom.filter(record("odd", at_s=10.0))
