"""How many clients there can be, by what the system lets a process open."""

from __future__ import annotations

import resource

import pytest

from memcloud.net.descriptors import RESERVED_MAX, client_places, reserved


class Limits:
    """Stands in for the limits of the process; ``ceiling`` is one that only the kernel knows."""

    def __init__(self, soft: int, hard: int, ceiling: int | None = None) -> None:
        self.now = (soft, hard)
        self._ceiling = ceiling

    def get(self, _: int) -> tuple[int, int]:
        """Take the place of `resource.getrlimit`."""
        return self.now

    def set(self, _: int, limits: tuple[int, int]) -> None:
        """Take the place of `resource.setrlimit`."""
        if self._ceiling is not None and limits[0] > self._ceiling:
            raise ValueError("current limit exceeds maximum limit")
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "places", "soft_after"),
    [
        (1024, 1 << 20, 10_000, 10_000, 10_000 + RESERVED_MAX),
        (1024, resource.RLIM_INFINITY, 10_000, 10_000, 10_000 + RESERVED_MAX),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 10_000, 10_000, resource.RLIM_INFINITY),
        (1024, 1024, 10_000, 1024 - 128, 1024),
        (1024, 4096, 10_000, 4096 - RESERVED_MAX, 4096),
        (64, 64, 10_000, 32, 64),
        (64, 64, 10, 10, 64),
        (32, 32, 10_000, 0, 32),
        (20, 20, 10_000, 0, 20),
        (20_000, 20_000, 10_000, 10_000, 20_000),
    ],
)
def test_places_are_what_the_limit_leaves(
    soft: int, hard: int, wanted: int, places: int, soft_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is raised as far as it has to be and may be; the reserve is kept."""
    limits = Limits(soft, hard)
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.set)
    assert client_places(wanted) == places
    assert limits.now == (soft_after, hard)


def test_a_limit_that_cannot_be_raised_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hard limit of macOS says infinity, and its kernel 10240."""
    limits = Limits(256, resource.RLIM_INFINITY, ceiling=10_240)
    monkeypatch.setattr(resource, "getrlimit", limits.get)
    monkeypatch.setattr(resource, "setrlimit", limits.set)
    assert client_places(10_000) == 256 - 32


def test_the_reserve_grows_with_the_limit_up_to_an_end() -> None:
    """Small processes are in small pools."""
    assert [reserved(count) for count in (64, 256, 1024, 1 << 20)] == [32, 32, 128, RESERVED_MAX]
