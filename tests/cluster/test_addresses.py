"""Which peer ports are dialled, and when again."""

from __future__ import annotations

from random import Random

from memcloud.cluster.addresses import (
    ADDRESSES_MAX,
    BACKOFF_MAX_MS,
    DIALS_MAX,
    FAILURES_MAX,
    AddressBook,
)


def test_few_addresses_are_dialled_at_a_time() -> None:
    """A network full of announcements must not open hundreds of connections at once."""
    book = AddressBook(Random(1))
    for port in range(1, 20):
        book.add("h", port)
    due = book.due(0)
    assert len(due) == DIALS_MAX
    for address in due:
        address.is_dialling = True
    assert book.due(0) == []


def test_failures_wait_longer_and_longer_up_to_a_limit() -> None:
    """With some chance in it, so that nodes do not dial in step."""
    book = AddressBook(Random(1))
    address = book.add("h", 1, is_kept=True)
    assert address is not None
    waits = []
    for _ in range(20):
        book.failed(address, 0)
        waits.append(address.next_dial_ms)
        assert book.due(address.next_dial_ms - 1) == []
        assert book.due(address.next_dial_ms) == [address]
    assert waits[0] < 200
    assert all(BACKOFF_MAX_MS // 2 <= wait < 2 * BACKOFF_MAX_MS for wait in waits[10:])


def test_an_address_that_never_answers_is_forgotten_unless_a_person_named_it() -> None:
    """mDNS or a member will name it again."""
    book = AddressBook(Random(1))
    found, kept = book.add("h", 1), book.add("h", 2, is_kept=True)
    assert found is not None
    assert kept is not None
    for _ in range(FAILURES_MAX):
        book.failed(found, 0)
        book.failed(kept, 0)
    assert list(book) == [kept]


def test_the_book_is_bounded() -> None:
    """Anybody on the network can announce addresses; a person's always find a place."""
    book = AddressBook(Random(1))
    for port in range(1, ADDRESSES_MAX + 1):
        assert book.add("h", port) is not None
    assert book.add("stranger", 1) is None
    assert book.add("friend", 1, is_kept=True) is not None


def test_whoever_asked_for_a_connection_is_told_once() -> None:
    """Also when two asked for the same one."""
    book = AddressBook(Random(1))
    address = book.add("h", 1)
    assert address is not None
    told: list[str | None] = []
    address.outcomes += [told.append, told.append]
    address.settle("nobody there")
    address.settle(None)
    assert told == ["nobody there", "nobody there"]
