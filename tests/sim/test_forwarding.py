"""Commands on their way between members: what each side believes, and how little it takes."""

from __future__ import annotations

import pytest

from memcloud.cluster import forwarding
from memcloud.effects import CloseLink, ToClient, ToLink
from memcloud.link.batch import (
    DONE,
    NOT_OWNER,
    Record,
    decode_results,
    encode_batch,
    word_of_call,
)
from memcloud.link.frames import GREETING_BYTES_MAX, FrameParser, Kind, encode_head
from memcloud.node import Node
from memcloud.resp import encode_request

from .simulation import Simulation
from .test_cluster import cluster, key_of

WORD = word_of_call(0, 2, no_touch=False)


@pytest.fixture
def pair() -> Simulation:
    """Return two members."""
    return cluster(31, size=2)


def run_for_peer(node: Node, requests: list[bytes]) -> list[Record] | None:
    """Run requests that another member has sent; None if the link was closed for them."""
    link = next(link for link in node.mesh.links if not link.is_outgoing)
    calls = [(number, WORD, request) for number, request in enumerate(requests)]
    node.mesh.received(link.id, b"".join(encode_batch(Kind.CALLS, calls)))
    results: list[Record] = []
    for effect in node.take_effects():
        if effect == CloseLink(link.id):
            node.emit(effect)  # the network is to learn of it, too
            return None
        if isinstance(effect, ToLink) and effect.link == link.id:
            parser = FrameParser()
            parser.feed(effect.data)
            frame = parser.maybe_take()
            assert frame is not None
            results += decode_results(frame)
    return results


def test_replies_that_come_together_leave_in_one_write(pair: Simulation) -> None:
    """A system call for each of them would cost more than all the rest."""
    key = key_of(pair, "n2")
    here = pair.nodes["n1"].node
    client = pair.connect_client("n1")
    here.clients.received(client, f"SET {key} v\r\n".encode() + b"GET " + key.encode() + b"\r\n")
    here.flush()
    (request,) = [each.data for each in here.take_effects() if isinstance(each, ToLink)]
    there = pair.nodes["n2"].node
    incoming = next(link for link in there.mesh.links if not link.is_outgoing)
    there.mesh.received(incoming.id, request)
    (reply,) = [each.data for each in there.take_effects() if isinstance(each, ToLink)]
    outgoing = next(link for link in here.mesh.links if link.is_outgoing)
    here.mesh.received(outgoing.id, reply)
    assert here.take_effects() == [ToClient(client, b"+OK\r\n$1\r\nv\r\n")]


def test_a_member_answers_the_calls_for_its_slots_only(pair: Simulation) -> None:
    """A key that it took in for another owner would never be found again."""
    node = pair.nodes["n2"].node
    mine, other = key_of(pair, "n2").encode(), key_of(pair, "n1").encode()
    requests = [
        [b"SET", mine, b"v"],
        [b"SET", other, b"v"],
        [b"OBJECT", b"ENCODING", mine],
        [b"OBJECT", b"ENCODING", other],
        [b"GET"],
    ]
    results = run_for_peer(node, [encode_request(args) for args in requests])
    assert sorted(results or []) == [
        (0, DONE, b"+OK\r\n"),
        (1, NOT_OWNER, b""),
        (2, DONE, b"$6\r\nembstr\r\n"),
        (3, NOT_OWNER, b""),
        (4, DONE, b"-ERR wrong number of arguments for 'get' command\r\n"),
    ]


def test_a_stranger_may_send_no_more_than_a_greeting(pair: Simulation) -> None:
    """Whoever reaches the port could otherwise fill the memory with one frame."""
    node = pair.nodes["n2"].node
    link = node.mesh.opened("127.0.0.1", 40000, is_outgoing=False)
    node.mesh.received(link, encode_head(Kind.CALLS, GREETING_BYTES_MAX))
    assert CloseLink(link) in node.take_effects()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"*1\r\n",
        b"*1\r\n$4\r\nPI",
        b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
        b"*1\r\n$4\r\nPING\r\nP",
        b"*-1\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n!4\r\nPING\r\n",
    ],
)
def test_a_call_that_is_not_exactly_one_command_ends_its_link(
    pair: Simulation, request_bytes: bytes
) -> None:
    """What is left over would become part of the next call, of whoever that is."""
    node = pair.nodes["n2"].node
    assert run_for_peer(node, [request_bytes]) is None
    pair.settle()
    pair.run(2000)
    assert pair.command("n1", "SET", key_of(pair, "n2"), "v") == b"+OK\r\n"


def test_a_command_that_fits_in_no_frame_is_refused(
    pair: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said at once, and the commands around it go on."""
    key = key_of(pair, "n2")
    request = encode_request([b"SET", key.encode(), b"x" * 70000])
    monkeypatch.setattr(forwarding, "REQUEST_BYTES_MAX", len(request))
    refused = b"-ERR the command is too large to be forwarded\r\n"
    client = pair.connect_client("n1")
    pair.send("n1", client, request + request.replace(b"$70000\r\n", b"$70001\r\nx") + request)
    expected = b"+OK\r\n" + refused + b"+OK\r\n"
    pair.run_until(lambda: pair.nodes["n1"].replies.get(client) == expected)
    assert pair.command("n1", "MSET", key, "x" * 70001, key_of(pair, "n1"), "v") == refused


def test_the_writes_of_a_client_keep_their_order_while_a_slot_changes_hands(
    pair: Simulation,
) -> None:
    """The first is to start again, and the table names a new owner for the second already."""
    key = key_of(pair, "n2")
    node = pair.nodes["n1"].node
    pair.cut = {frozenset(("n1", "n2"))}
    member = pair.nodes["n2"].node.membership.me.id
    link = node.mesh.link_to(member)
    assert link is not None
    node.mesh.closed(link.id)
    client = pair.connect_client("n1")
    pair.send("n1", client, f"SET {key} first\r\n".encode())
    pair.run_until(lambda: node.membership.is_alone)
    pair.send("n1", client, f"SET {key} second\r\n".encode())
    pair.run_until(lambda: pair.nodes["n1"].replies.get(client) == b"+OK\r\n" * 2)
    assert pair.command("n1", "GET", key) == b"$6\r\nsecond\r\n"


def test_of_a_write_over_several_owners_only_what_was_not_run_starts_again() -> None:
    """What was run would be undone for later writes, or counted as if it had not been there."""
    simulation = cluster(32)
    mine, theirs, lost = (key_of(simulation, name) for name in ("n1", "n2", "n3"))
    simulation.command("n1", "MSET", mine, "v", theirs, "v")
    node = simulation.nodes["n1"].node
    member = simulation.nodes["n3"].node.membership.me.id
    link = node.mesh.link_to(member)
    assert link is not None
    simulation.crash("n3")
    node.mesh.closed(link.id)
    client = simulation.connect_client("n1")
    lines = [
        f"DEL {mine} {theirs} {lost}",
        f"MSET {mine} first {theirs} first {lost} first",
        f"MSET {mine} second {theirs} second",
        f"MGET {mine} {theirs}",
    ]
    simulation.send("n1", client, "".join(f"{line}\r\n" for line in lines).encode())
    second = b"$6\r\nsecond\r\n"
    expected = b":2\r\n+OK\r\n+OK\r\n*2\r\n" + second * 2
    simulation.run_until(lambda: simulation.nodes["n1"].replies.get(client) == expected)
    assert simulation.command("n2", "MGET", mine, theirs) == b"*2\r\n" + second * 2
    assert simulation.command("n2", "GET", lost) == b"$5\r\nfirst\r\n"
