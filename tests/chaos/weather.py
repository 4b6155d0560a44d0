"""A bad line between one machine and the others: delay, jitter and loss, from a seed.

This kernel may have no netem, so a thread carries the machine's Ethernet frames by hand, between
a TAP device that takes the place of its card and one on the bridge. It has to be told to stop.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import threading
import time
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
FRAME_BYTES_MAX = 65_536
FRAMES_HELD_MAX = 10_000  # a queue as any router has one; what comes then is lost
IDLE_S = 0.2


@dataclass(frozen=True, slots=True)
class Weather:
    """What happens to each frame, in either direction."""

    delay_s: float = 0.0
    jitter_s: float = 0.0  # more or less than the delay, and so frames overtake each other
    loss: float = 0.0  # from 0 to 1


def open_tap(name: str) -> int:
    """Make a TAP device, which lives as long as the descriptor that is returned."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


class Line(threading.Thread):
    """Carries frames between two TAP devices until it is told to stop."""

    def __init__(self, taps: tuple[int, int], weather: Weather, seed: int) -> None:
        super().__init__(name="line", daemon=True)
        self._taps = taps
        self._weather = weather
        self._random = Random(seed)
        self._is_over = threading.Event()
        self._held: list[tuple[float, int, int, bytes]] = []  # (when, number, to whom, frame)
        self._count = 0

    def run(self) -> None:
        """Carry frames."""
        first, second = self._taps
        other = {first: second, second: first}
        while not self._is_over.is_set():
            now = time.monotonic()
            while self._held and self._held[0][0] <= now:
                _, _, target, frame = heappop(self._held)
                _write(target, frame)
            wait_s = min(IDLE_S, self._held[0][0] - now) if self._held else IDLE_S
            for tap in select.select(self._taps, (), (), wait_s)[0]:
                self._take(os.read(tap, FRAME_BYTES_MAX), other[tap])

    def _take(self, frame: bytes, target: int) -> None:
        weather = self._weather
        if self._random.random() < weather.loss or len(self._held) >= FRAMES_HELD_MAX:
            return
        self._count += 1
        delay_s = weather.delay_s + self._random.uniform(-weather.jitter_s, weather.jitter_s)
        heappush(self._held, (time.monotonic() + delay_s, self._count, target, frame))

    def stop(self) -> None:
        """Stop, and take the devices away."""
        self._is_over.set()
        self.join()
        for tap in self._taps:
            os.close(tap)


def _write(target: int, frame: bytes) -> None:
    try:
        os.write(target, frame)
    except OSError:
        return  # a device that is down or full loses frames, as cards do
