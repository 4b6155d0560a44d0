"""Every test of the store runs on the readable one and, where it has been built, the native one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .support import ENGINES, Choice


@pytest.fixture(autouse=True, scope="module", params=ENGINES.values(), ids=list(ENGINES))
def _engine(request: pytest.FixtureRequest) -> Iterator[None]:
    before, Choice.store = Choice.store, request.param
    yield
    Choice.store = before
