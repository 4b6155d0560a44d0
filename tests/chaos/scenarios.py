"""The faults, by the numbers that the catalogue of tests gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import members_change, network_fails, nodes_fail
from .figures import Figure
from .trial import Trial


@dataclass(frozen=True)
class Scenario:
    """A fault and how it is tried; ``impossible`` says why it is not, for some."""

    number: str
    title: str
    run: Callable[[Trial], Iterator[Figure]] | None = None
    size: int = 5
    copies: int = 1
    # One history is judged, and those who are cut off for long would begin another one.
    isolated: str = "refuse"
    impossible: str = ""
    is_for_redis: bool = False


SCENARIOS = (
    Scenario("C1", "SIGKILL of one node, two copies", nodes_fail.killed, copies=2,
             is_for_redis=True),
    Scenario("C2", "SIGKILL of two nodes at once, three copies", nodes_fail.two_killed, copies=3),
    Scenario("C3", "SIGKILL of one node, one copy", nodes_fail.killed_without_copy),
    Scenario("C4", "SIGSTOP and SIGCONT", nodes_fail.stopped, copies=2, is_for_redis=True),
    Scenario("C5", "wall clocks that jump", impossible="a time namespace leaves the wall clock"
             " alone; the simulation steps and skews its clocks instead"),
    Scenario("C6", "SIGKILL and start within 50 ms", nodes_fail.restarted_at_once, copies=2),
    Scenario("C7", "SIGKILL of all, and start", nodes_fail.all_killed),
    Scenario("C8", "kill, write, verify, restart", nodes_fail.failover_loop, copies=2),
    Scenario("C9", "four busy processes beside the nodes", nodes_fail.starved, copies=2),
    Scenario("D1", "a minority cut off", network_fails.minority, copies=2, is_for_redis=True),
    Scenario("D2", "two and two cut apart", network_fails.halves, size=4, copies=2),
    Scenario("D3", "cut in one direction", network_fails.one_way, copies=2),
    Scenario("D4", "two that do not hear each other", network_fails.triangle, copies=2),
    Scenario("D5", "a flapping link", network_fails.flapping, copies=2),
    Scenario("D6", "a slow link, 10 Mbit/s", network_fails.slow, copies=2),
    Scenario("D6", "50 +- 20 ms and 1 % loss", network_fails.delayed, copies=2),
    Scenario("D6", "5 % loss", network_fails.lossy, copies=2),
    Scenario("D7", "a pulled cable", network_fails.vanished),
    Scenario("D8", "resets injected into links", impossible="needs a packet filter (iptables)"),
    Scenario("D9", "swizzle-clog", impossible="200 runs of it are for the simulation"),
    Scenario("D10", "no multicast", network_fails.without_mdns, size=3),
    Scenario("E1", "a node joins under load", members_change.joined),
    Scenario("E2", "a node leaves politely under load", members_change.left),
    Scenario("E3", "rate of a move", members_change.rate, size=2),
    Scenario("E4", "kill at every step of a move", members_change.killed_while_moving, size=3,
             copies=2),
    Scenario("E5", "a move to who has no room", impossible="tests/sim has it"),
    Scenario("E6", "every kind of write during a move", impossible="tests/sim has it"),
    Scenario("E7", "two join and one leaves at once", members_change.two_join_one_leaves, size=3),
    Scenario("E8", "FLUSHALL and SCAN during moves", members_change.scanned, size=2),
)  # fmt: skip
