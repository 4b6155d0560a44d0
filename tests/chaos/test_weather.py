"""A bad line carries what it should and loses what it should, the same for the same seed."""

from __future__ import annotations

import socket

from .weather import Line, Weather


def carried(weather: Weather, seed: int, count: int = 200) -> list[int]:
    """Return which of some numbered frames arrive, in the order in which they do."""
    # Pairs of sockets that keep frames apart stand for the two devices.
    near, near_tap = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    far, far_tap = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    line = Line((near_tap.detach(), far_tap.detach()), weather, seed)
    line.start()
    try:
        near.settimeout(20)
        far.settimeout(1)
        arrived: list[int] = []
        for number in range(count):
            near.send(b"%d" % number)
        try:
            while len(arrived) < count:
                arrived.append(int(far.recv(100)))
        except TimeoutError:
            return arrived
        return arrived
    finally:
        line.stop()
        near.close()
        far.close()


def test_a_good_line_carries_all_in_order() -> None:
    """Nothing is lost by the way itself."""
    assert carried(Weather(), 1) == list(range(200))


def test_a_bad_line_loses_the_same_frames_for_the_same_seed() -> None:
    """So that a run can be shown again."""
    first = carried(Weather(loss=0.2), 1)
    assert 100 < len(first) < 190
    assert carried(Weather(loss=0.2), 1) == first
    assert carried(Weather(loss=0.2), 2) != first


def test_jitter_lets_frames_overtake_each_other() -> None:
    """As it does on a network with several ways."""
    arrived = carried(Weather(delay_s=0.05, jitter_s=0.05), 1)
    assert sorted(arrived) == list(range(200))
    assert arrived != sorted(arrived)
