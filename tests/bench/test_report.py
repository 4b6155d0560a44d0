"""The page of results: targets first, marks where one is missed, sections of earlier runs."""

from __future__ import annotations

from pathlib import Path

from bench.report import FALLS_SHORT, REACHED, Results, Section, page, ratio


def section(name: str, figure: float, order: int = 0) -> Section:
    """Return a section with a goal of at most 1 and a table."""
    made = Section(name, f"About {name}", taken="Taken today.", order=order)
    made.at_most(f"{name} figure", figure, 1.0)
    made.table(["server", "figure"]).append(["memnode", str(figure)])
    return made


def test_each_target_stands_beside_what_was_reached() -> None:
    """A reader looks there first, and what is missed must not hide."""
    text = page([section("a", 0.5), section("b", 1.5)])
    assert f"| a | a figure | ≤ 1.00 | 0.50 | {REACHED} |" in text
    assert f"| b | b figure | ≤ 1.00 | 1.50 | {FALLS_SHORT} |" in text
    assert "Of 2 targets 1 are reached, 1 are not." in text


def test_the_figure_of_the_target_itself_is_enough() -> None:
    """Bounds are meant with the bound."""
    made = Section("a", "A")
    made.at_most("most", 2.0, 2.0)
    made.at_least("least", 2.0, 2.0)
    assert [goal.is_reached for goal in made.goals] == [True, True]


def test_what_was_not_measured_is_not_reached() -> None:
    """A peer that is not installed must not make the page look better."""
    made = Section("a", "A")
    made.not_measured("speed beside it", "it is not installed")
    assert f"| a | speed beside it |  | not measured | {FALLS_SHORT} |" in page([made])


def test_a_table_that_was_cut_off_shows_the_rows_that_it_has() -> None:
    """Its rows are filled after it was added to the section."""
    made = Section("a", "A")
    rows = made.table(["server", "which", "figure"], texts=2)
    rows.append(["memnode", "x", "1"])
    assert "| server | which | figure |\n|---|---|---:|\n| memnode | x | 1 |" in page([made])


def test_one_subject_measured_again_leaves_the_others(tmp_path: Path) -> None:
    """A full run takes long; the order of the page stays."""
    results = Results(tmp_path / "kept.json")
    results.keep(results.merged([section("a", 0.5, order=0), section("b", 1.5, order=1)]))
    merged = results.merged([section("a", 3.0, order=0)])
    assert [each.name for each in merged] == ["a", "b"]
    assert "| a | a figure | ≤ 1.00 | 3.00 |" in page(merged)
    assert "| memnode | 1.5 |" in page(merged)


def test_what_is_kept_prints_as_it_did(tmp_path: Path) -> None:
    """Tables are kept as text."""
    results = Results(tmp_path / "kept.json")
    fresh = [section("a", 0.5)]
    results.keep(fresh)
    assert page(results.merged([])) == page(fresh)


def test_nothing_is_divided_by_nothing() -> None:
    """A server too quick for the clock has no ratio."""
    assert ratio(1.0, 0.0) == "-"
    assert ratio(1.0, 2.0) == "0.50x"
