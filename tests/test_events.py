"""The log of events, and what a cluster writes into it."""

from __future__ import annotations

from memcloud.events import EVENTS_MAX, EventLog, Kind
from memcloud.store import Policy
from tests.manual_clock import ManualClock
from tests.sim.checks import ask
from tests.sim.simulation import Simulation
from tests.sim.test_copies import leave, pool


def texts(simulation: Simulation, name: str, kind: Kind) -> list[str]:
    """Return what a node has noted of a kind, oldest first."""
    return [
        event.text for event in simulation.nodes[name].node.events.after(0) if event.kind is kind
    ]


def test_events_are_numbered_and_only_the_last_are_kept() -> None:
    """A gap before the first one tells a reader that it came too late."""
    clock = ManualClock()
    log = EventLog(clock)
    for number in range(EVENTS_MAX + 5):
        log.note(Kind.TABLE, str(number))
    kept = log.after(0)
    assert len(kept) == EVENTS_MAX
    assert (kept[0].number, kept[0].text) == (6, "5")
    assert [event.number for event in log.after(EVENTS_MAX + 3)] == [EVENTS_MAX + 4, EVENTS_MAX + 5]
    assert log.after(EVENTS_MAX + 5) == []
    assert kept[0].unix_ms == clock.unix_ms()


def test_who_founded_who_joined_and_who_left_is_noted() -> None:
    """And that slots went to where they belong, in one line at its beginning and one at its end."""
    simulation = pool(1, 3, 1)
    simulation.run(3000)
    assert texts(simulation, "n1", Kind.FOUNDED) == ["n1 has founded a cluster at epoch 1"]
    assert len(texts(simulation, "n1", Kind.JOINED)) == 2
    assert texts(simulation, "n3", Kind.JOINED)[0].startswith("n3 has joined n1")
    assert texts(simulation, "n1", Kind.REBALANCE)[-1].startswith("all slots are where they belong")
    assert texts(simulation, "n1", Kind.MOVE_DONE)
    assert simulation.nodes["n1"].node.clustering.core.moves.done > 0
    leave(simulation, "n3")
    simulation.settle()
    assert texts(simulation, "n1", Kind.LEFT) == ["n3 has left, and has given away what it had"]
    assert texts(simulation, "n1", Kind.GIVEN_UP) == []


def test_a_crash_is_noted_with_what_it_costs() -> None:
    """Slots without a copy start empty, which is no secret."""
    simulation = pool(2, 3, 1)
    simulation.crash("n3")
    simulation.settle()
    (text,) = texts(simulation, "n1", Kind.GIVEN_UP)
    assert text.startswith("n3 was given up (its process has ended); it led ")
    assert text.endswith(" of which have no copy and start empty")
    assert texts(simulation, "n1", Kind.GONE) == ["the process of n3 has ended"]


def test_a_node_that_is_cut_off_notes_it_on_both_sides() -> None:
    """Why it serves nothing, what it did about it, and what became of that."""
    simulation = pool(3, 3, 1)
    simulation.cut |= {frozenset(("n1", "n3")), frozenset(("n2", "n3"))}
    simulation.run(6000)
    assert texts(simulation, "n1", Kind.SUSPECTED) == ["n3 cannot be heard"]
    assert "nothing was heard of it" in texts(simulation, "n1", Kind.GIVEN_UP)[0]
    assert texts(simulation, "n3", Kind.LEASE_LOST) == [
        "no quorum answers (n1 and n2 cannot be heard): this node serves nothing until one does"
    ]
    simulation.run(9000)
    assert texts(simulation, "n3", Kind.ISOLATED)[0].startswith("cut off from n1 and n2: ")
    assert ask(simulation, "n3", "SET", "k", "v") == "OK"
    simulation.cut.clear()
    simulation.settle(60_000)
    assert len(texts(simulation, "n3", Kind.DISSOLVED)) == 2


def test_a_short_silence_is_noted_when_it_is_over() -> None:
    """A laptop that was asleep for two seconds is not a fault to look for."""
    simulation = pool(4, 2, 1)
    simulation.pause("n1")
    simulation.run(1500)
    assert texts(simulation, "n2", Kind.SUSPECTED) == ["n1 cannot be heard"]
    simulation.resume("n1")
    simulation.run(1000)
    assert texts(simulation, "n2", Kind.RECOVERED) == ["n1 can be heard again"]


def test_no_room_is_noted_with_numbers() -> None:
    """Once, although the full member is asked again and again."""
    simulation = Simulation(5)
    simulation.start("n1")
    simulation.settle()
    for number in range(40):
        ask(simulation, "n1", "SET", f"k{number}", "v" * 100_000)
    full = simulation.start("n2", join="n1", policy=Policy.NOEVICTION)
    full.node.store.limit_bytes = 100_000
    simulation.run(8000)
    (text,) = texts(simulation, "n1", Kind.MOVE_REFUSED)
    assert text.startswith("n2 has no room for ")
    assert text.endswith(" bytes, it has 100000")
    assert list(simulation.nodes["n1"].node.clustering.watcher.refused)
