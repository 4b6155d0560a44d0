"""Gives memory back to a host that needs it, a slice at a time, and takes it again later.

What the store has put off, so that no command had to wait for it, is done in slices too.

`Governor` decides how far; this evicts. One slice is a bounded number of keys, so that clients have
their turn in between, and no new facts are asked for before the last goal is reached: what was
evicted is not on the host's books until its pages are given back.

The ceiling follows the eviction down instead of leading it. Else the next command that writes would
have to evict all that is still missing, in one go.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from memcloud.store import Store

from .clock import Clock
from .effects import Effect, ReturnMemory
from .host import Host
from .pressure import Governor

logger = logging.getLogger(__name__)

# Some 20 us each in pure Python, so that a slice takes 1 to 3 ms and clients come in between.
SLICE_KEYS: Final = 64
# The system takes some 0.2 ms per MiB to take pages back, and nothing else runs meanwhile.
RETURN_BYTES: Final = 16 << 20


class Neighbour:
    """Keeps what a node stores within what its host can spare."""

    def __init__(
        self, store: Store, aside: Store, host: Host, clock: Clock, emit: Callable[[Effect], None]
    ) -> None:
        """``aside`` counts for what is used, but nothing of it may be evicted."""
        self.governor = Governor()
        self.given_back_bytes = 0
        self._store = store
        self._aside = aside
        self._host = host
        self._clock = clock
        self._emit = emit
        self._goal_bytes: int | None = None
        self._is_untidy = False
        self._unreturned_bytes = 0

    @property
    def state(self) -> str:
        """How INFO calls it: ``calm`` or ``pressed``."""
        return "pressed" if self.governor.is_pressed else "calm"

    @property
    def has_work(self) -> bool:
        """Whether there is more to evict or to tidy; `run_slice` wants to be called soon."""
        return self._goal_bytes is not None or self._is_untidy

    def tick(self) -> None:
        """Tidy, look at the host, and begin to give back or take again what it allows."""
        self._tidy()
        if self._goal_bytes is not None:
            return
        store, governor = self._store, self.governor
        pressure = self._host.memory_pressure()
        was_pressed = governor.is_pressed
        used_bytes = store.used_bytes + store.reserved_bytes
        goal_bytes = governor.goal_bytes(pressure, store.limit_bytes, used_bytes)
        if governor.is_pressed and not was_pressed:
            logger.info("the host is short of memory: giving some back")
        if goal_bytes is None:
            governor.grow(pressure, store.limit_bytes, used_bytes, self._clock.now_ms())
            store.ceiling_bytes = governor.ceiling_bytes
        else:
            self._goal_bytes = goal_bytes
            self._evict_slice()

    def run_slice(self) -> None:
        """Tidy a little, and evict a bounded number of keys towards the goal, if there is one."""
        if self._is_untidy:
            self._tidy()
        if self._goal_bytes is not None:
            self._evict_slice()

    def _tidy(self) -> None:
        self._is_untidy = self._store.tidy()
        self._is_untidy |= self._aside.tidy()
        # Both are to be asked, since the answer is given once.
        if any([self._store.has_freed(), self._aside.has_freed()]):
            self._emit(ReturnMemory())

    def _evict_slice(self) -> None:
        store = self._store
        assert self._goal_bytes is not None
        before_bytes, aside_bytes = store.used_bytes, store.reserved_bytes
        goal_bytes = max(0, self._goal_bytes - aside_bytes)
        evicted = store.evict_some(goal_bytes, SLICE_KEYS)
        freed_bytes = before_bytes - store.used_bytes
        self.given_back_bytes += freed_bytes
        self._unreturned_bytes += freed_bytes
        self.governor.shrink(self._goal_bytes, store.used_bytes + aside_bytes)
        store.ceiling_bytes = self.governor.ceiling_bytes
        if evicted < SLICE_KEYS or store.used_bytes <= goal_bytes:
            self._goal_bytes = None
        is_due = self._goal_bytes is None or self._unreturned_bytes >= RETURN_BYTES
        if self._unreturned_bytes and is_due:
            self._unreturned_bytes = 0
            self._emit(ReturnMemory())
