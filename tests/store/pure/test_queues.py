"""The queues of S3-FIFO: entries in their order, and the names of those that went."""

from __future__ import annotations

from memcloud.store.fifo import Fifo
from memcloud.store.ghosts import Ghosts
from tests.store.support import new_keyspace


def test_a_queue_gives_its_entries_in_order_whatever_was_removed() -> None:
    """Deletion and expiry take entries out anywhere."""
    keys, _ = new_keyspace()
    for number in range(100):
        keys.set(b"%d" % number, bytes(number))
    entries = list(keys.entries())
    queue = Fifo()
    for entry in entries:
        queue.add(entry)
    left = [entry for number, entry in enumerate(entries) if number % 3]
    for entry in entries[::3]:
        queue.remove(entry)
    assert entries[0] not in queue
    assert queue.size_bytes == sum(entry.size_bytes for entry in left)
    for entry in left:
        assert queue.oldest() is entry
        queue.remove(entry)
    assert (len(queue), queue.size_bytes) == (0, 0)


def test_ghosts_are_the_most_recent_and_no_more_than_asked_for() -> None:
    """Their memory is bounded whatever passes through."""
    keys, _ = new_keyspace()
    for number in range(1000):
        keys.set(b"%d" % number, b"")
    entries = list(keys.entries())
    ghosts = Ghosts()
    for entry in entries:
        ghosts.add(entry, capacity=100)
        assert len(ghosts) <= 100
    assert all(ghosts.take(entry) for entry in entries[-50:])
    assert not any(ghosts.take(entry) for entry in entries[:900])
    assert not ghosts.take(entries[-1])
