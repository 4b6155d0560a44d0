"""Sizes and durations as people write them."""

from __future__ import annotations

import pytest

from memcloud.cli.sizes import SIZE_BYTES_MIN, duration_text, parse_duration, parse_size

RAM = 8 << 30


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("512mb", 512 << 20),
        ("512M", 512 << 20),
        ("4g", 4 << 30),
        ("4gb", 4 << 30),
        ("4GiB", 4 << 30),
        ("1.5g", 3 << 29),
        ("1t", 1 << 40),
        ("2048k", 2 << 20),
        ("1048576", 1 << 20),
        ("25%", 2 << 30),
        ("12.5 %", 1 << 30),
        ("100%", RAM),
        (" 4 gb ", 4 << 30),
    ],
)
def test_a_size_is_read_as_it_is_meant(text: str, size_bytes: int) -> None:
    """People write sizes in many ways, and mean powers of 1024 when they talk of RAM."""
    assert parse_size(text, RAM) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "x", "4x", "-1g", "4 g b", "1e9", "101%", "%", "nan", "0x10", "٤g"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    """A guess would lend the wrong amount of somebody's memory."""
    with pytest.raises(ValueError, match=r"written like|does not exist"):
        parse_size(text, RAM)


def test_a_size_that_holds_nothing_is_refused() -> None:
    """`--memory 512` means megabytes to whoever types it, and bytes to the program."""
    assert parse_size(str(SIZE_BYTES_MIN), RAM) == SIZE_BYTES_MIN
    for text in (str(SIZE_BYTES_MIN - 1), "512", "0", "0%"):
        with pytest.raises(ValueError, match="at least 1mb"):
            parse_size(text, RAM)


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [("500ms", 500), ("90s", 90_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000),
     ("1.5", 1500), ("3", 3000)],
)  # fmt: skip
def test_a_duration_is_read_as_it_is_meant(text: str, duration_ms: int) -> None:
    """A plain number is seconds, as in `sleep`."""
    assert parse_duration(text) == duration_ms


@pytest.mark.parametrize("text", ["", "0", "0.1ms", "-1s", "s", "5 minutes"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """No time at all is none either."""
    with pytest.raises(ValueError, match="written like"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [(0, "0ms"), (999, "999ms"), (1000, "1s"), (3_599_999, "59m"), (200_000_000, "2d")],
)
def test_a_duration_is_written_in_its_largest_unit(duration_ms: int, text: str) -> None:
    """Nobody wants to know the milliseconds of two days."""
    assert duration_text(duration_ms) == text
