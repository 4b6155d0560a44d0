"""What can be asked of a whole simulated cluster, and clients that keep it busy meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from memcloud.resp import Decoder, ErrorReply, encode_request
from memcloud.resp.decoder import INCOMPLETE
from memcloud.ring import key_slot
from memcloud.store import BLOCKS, Retention, Store, Value

from .simulation import Simulation

# What a deadline may gain on its way to a copy: it travels as the time that remains.
DEADLINE_SLACK_MS = 1000  # what is sent again is late by the time that took

Place = tuple[int, bytes]  # the space and the key
Content = dict[Place, tuple[Value, int | None, Retention | None]]


def content_of(store: Store) -> Content:
    """Return all live keys of a store with what is kept of them."""
    found: Content = {}
    spaces = [*enumerate(store.databases), (BLOCKS, store.blocks)]
    for space, keyspace in spaces:
        for key in list(keyspace.keys()):
            value = keyspace.peek(key)
            assert value is not None
            found[space, key] = value, keyspace.deadline_ms(key), keyspace.retention(key)
    return found


def assert_copies_equal(simulation: Simulation) -> int:
    """Fail unless each member has just what the table gives it; return how many keys there are.

    To be called when all agree and nothing is on its way.
    """
    nodes = {each.node.clustering.me: each.node for each in simulation.running()}
    led = {member: content_of(node.store) for member, node in nodes.items()}
    aside = {member: content_of(node.aside) for member, node in nodes.items()}
    due: dict[object, Content] = {member: {} for member in nodes}
    for primary, content in led.items():
        table = nodes[primary].clustering.core.table
        assert table is not None
        for place, entry in content.items():
            assignment = table.slots[key_slot(place[1])]
            assert assignment.primary == primary, f"{place} is at {primary}"
            for backup in assignment.backups:
                due[backup][place] = entry
    for member, content in aside.items():
        assert content.keys() == due[member].keys(), member
        for place, (value, deadline_ms, retention) in content.items():
            expected, expected_ms, expected_retention = due[member][place]
            assert (value, retention) == (expected, expected_retention), place
            assert (deadline_ms is None) == (expected_ms is None), place
            if deadline_ms is not None and expected_ms is not None:
                assert abs(deadline_ms - expected_ms) <= DEADLINE_SLACK_MS, place
    return sum(map(len, led.values()))


def ask(simulation: Simulation, name: str, *args: str, database: int = 0) -> object:
    """Run a command in a database through a node and return its decoded reply."""
    client = simulation.connect_client(name)
    node = simulation.nodes[name]
    requests = (("SELECT", str(database)), args)
    for request in requests:
        simulation.send(name, client, encode_request([word.encode() for word in request]))
    replies: list[object] = []

    def has_both() -> bool:
        replies[:] = replies_in(node.replies.get(client, b""))
        return len(replies) == len(requests)

    simulation.run_until(has_both)
    node.node.clients.closed(client)
    return replies[1]


def replies_in(data: bytes) -> Iterator[object]:
    """Yield the whole replies in some bytes."""
    decoder = Decoder()
    decoder.feed(data)
    while (reply := decoder.take()) is not INCOMPLETE:
        yield reply


@dataclass
class Writer:
    """A client that writes one key after the other, each time when it has the reply before.

    Its keys are its own, so it knows what each of them may be.
    """

    simulation: Simulation
    gateway: str
    keys: Sequence[str]
    possible: dict[str, set[bytes | None]] = field(default_factory=dict)
    acknowledged: int = 0
    unknown: int = 0
    _sent: int = 0
    _client: int = 0

    def __post_init__(self) -> None:
        self.possible = {key: {None} for key in self.keys}
        self._client = self.simulation.connect_client(self.gateway)

    def step(self) -> None:
        """Note the reply if it is here, and write the next key."""
        replies = self.simulation.nodes[self.gateway].replies
        if self._sent:
            found = list(replies_in(replies.get(self._client, b"")))
            if not found:
                return
            (reply,) = found
            replies[self._client] = b""
            self._note(reply)
        self._sent += 1
        request = [b"SET", self._key.encode(), b"%d" % self._sent]
        self.simulation.send(self.gateway, self._client, encode_request(request))

    @property
    def _key(self) -> str:
        return self.keys[self._sent % len(self.keys)]

    def _note(self, reply: object) -> None:
        value = b"%d" % self._sent
        if reply == "OK":
            self.possible[self._key] = {value}
            self.acknowledged += 1
        else:
            assert isinstance(reply, ErrorReply), reply
            assert reply.text.startswith(("UNKNOWN", "TRYAGAIN")), reply
            self.possible[self._key].add(value)
            self.unknown += 1

    def assert_nothing_lost(self, gateway: str) -> None:
        """Fail unless each key is what was acknowledged last, or what may have come after that."""
        self.simulation.run(6000)  # until the last one has its reply
        self._note(*replies_in(self.simulation.nodes[self.gateway].replies[self._client]))
        for key in self.keys:
            value = ask(self.simulation, gateway, "GET", key)
            assert value in self.possible[key], (key, value, self.possible[key])
