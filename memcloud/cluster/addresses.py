"""Peer ports worth dialling, and when: from mDNS, `--join`, `memcli connect` and other members."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from memcloud.chance import Random

ADDRESSES_MAX = 256
DIALS_MAX = 4  # at once
BACKOFF_MIN_MS = 100
BACKOFF_MAX_MS = 5000
# A found address that never answered is forgotten; mDNS or a member will name it again.
FAILURES_MAX = 10

# Called once with None when the link is up, or with the sentence that says why it is not.
Outcome = Callable[[str | None], None]


@dataclass(slots=True)
class Address:
    """A peer port, and how dialling it has gone."""

    host: str
    port: int
    is_kept: bool = False  # named by a person: dialled for ever
    is_dialling: bool = False
    link: int | None = None
    next_dial_ms: int = 0
    failures: int = 0
    member: str | None = None  # who was there last; may be this node itself
    outcomes: list[Outcome] = field(default_factory=list)

    def settle(self, why_not: str | None) -> None:
        """Tell those who asked for this connection how it ended."""
        outcomes, self.outcomes = self.outcomes, []
        for outcome in outcomes:
            outcome(why_not)


class AddressBook:
    """The known addresses, a bounded number of them."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._addresses: dict[tuple[str, int], Address] = {}

    def __iter__(self) -> Iterator[Address]:
        return iter(list(self._addresses.values()))

    def find(self, host: str, port: int) -> Address | None:
        """Return what is known of an address."""
        return self._addresses.get((host, port))

    def by_link(self, link: int) -> Address | None:
        """Return the address that a link leads to."""
        return next((each for each in self._addresses.values() if each.link == link), None)

    def add(self, host: str, port: int, *, is_kept: bool = False) -> Address | None:
        """Return the entry of an address, a new one if need be; None when the book is full."""
        address = self._addresses.get((host, port))
        if address is None:
            if len(self._addresses) >= ADDRESSES_MAX and not is_kept:
                return None
            address = self._addresses[(host, port)] = Address(host, port)
        address.is_kept |= is_kept
        return address

    def due(self, now_ms: int) -> list[Address]:
        """Return the addresses to dial now."""
        free = DIALS_MAX - sum(address.is_dialling for address in self._addresses.values())
        ready = [
            address
            for address in self._addresses.values()
            if not address.is_dialling and address.link is None and address.next_dial_ms <= now_ms
        ]
        return ready[: max(0, free)]

    def failed(self, address: Address, now_ms: int) -> None:
        """Note that dialling came to nothing; the next try comes later, at a random moment."""
        address.is_dialling = False
        address.link = None
        backoff_ms = min(BACKOFF_MAX_MS, BACKOFF_MIN_MS << min(address.failures, 10))
        address.failures += 1
        address.next_dial_ms = now_ms + backoff_ms // 2 + self._random.randrange(backoff_ms)
        if address.failures >= FAILURES_MAX and not address.is_kept:
            del self._addresses[(address.host, address.port)]
