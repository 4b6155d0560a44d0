"""What `memcli status` says about a node that has given memory back."""

from __future__ import annotations

import pytest

from memcloud.cli.status import _shrunk

LIMIT = 4 << 30


@pytest.mark.parametrize(
    ("limit", "effective", "pressure", "sentence"),
    [
        (LIMIT, LIMIT, "calm", None),
        (LIMIT, LIMIT, "pressed", None),
        (0, 0, "calm", None),
        (
            LIMIT,
            3 << 30,
            "pressed",
            "this node lends 3.0 GiB of 4.0 GiB now: its machine is short of memory",
        ),
        (
            LIMIT,
            3 << 30,
            "calm",
            "this node lends 3.0 GiB of 4.0 GiB now: "
            "its machine was short of memory, and it grows again",
        ),
        (
            0,
            3 << 30,
            "pressed",
            "this node lends 3.0 GiB now: its machine is short of memory",
        ),
    ],
)
def test_a_shrunk_node_says_so_and_why(
    limit: int, effective: int, pressure: str, sentence: str | None
) -> None:
    """Who misses keys should not have to guess; who misses none needs no line."""
    memory = {
        "maxmemory": limit,
        "memcloud_effective_limit": effective,
        "memcloud_pressure": pressure,
    }
    assert _shrunk(memory) == sentence
