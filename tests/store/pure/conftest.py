"""These tests look into the readable store, so they run on that one alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memcloud.store.store import Store
from tests.store.support import Choice


@pytest.fixture(autouse=True, scope="module")
def _engine() -> Iterator[None]:
    before, Choice.store = Choice.store, Store
    yield
    Choice.store = before
