"""memcli ring, members, where, events, leave and node stop against real nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from memcloud.cli import background
from memcloud.cli.ring import ring_advice
from tests.memnode_process import MemnodeCluster, wait_for
from tests.ports import free_port

from .support import Call, Home

QUICK = ("--no-mdns", "--memory", "64mb")


@pytest.fixture(scope="module")
def cluster() -> Iterator[MemnodeCluster]:
    """Return a pool of the nodes n1 and n2 that keeps two copies."""
    with MemnodeCluster(2, "--replicas", "2", use_mdns=False) as nodes:
        yield nodes


@pytest.fixture
def ports(cluster: MemnodeCluster) -> list[str]:
    """Return the ports of the pool's nodes."""
    return [str(node.port) for node in cluster.nodes]


def test_ring_shows_what_each_node_holds(call: Call, ports: list[str]) -> None:
    """As a table and as JSON."""
    ring = json.loads(call("-p", ports[0], "ring", "--json").out)
    assert sum(member["primaries"] for member in ring["members"]) == 16384
    assert sum(member["backups"] for member in ring["members"]) == 16384
    assert (ring["replicas"], ring["slots_left"], ring["moves"]) == (2, 0, [])
    assert abs(sum(member["share"] for member in ring["members"]) - 1) < 1e-6
    lines = call("-p", ports[0], "ring").out.decode().splitlines()
    assert lines[0].startswith(f"epoch {ring['epoch']} of cluster ")
    assert lines[0].endswith(", 2 copies of each key")
    assert {line.split()[0] for line in lines[3:5]} == {"n1", "n2"}


def test_members_has_more_columns_than_peers(call: Call, ports: list[str]) -> None:
    """The same nodes."""
    title, first, second = call("-p", ports[0], "members").out.decode().splitlines()
    assert {"BACKUPS", "SHARE", "TARGET"} <= set(title.split())
    assert (first.split()[0], second.split()[0]) == ("n1", "n2")
    members = json.loads(call("-p", ports[0], "members", "--json").out)["members"]
    assert all(member["target_share"] > 0 for member in members)
    assert {member["slots"] + member["backups"] for member in members} == {16384}


def test_where_names_the_nodes_of_a_key(call: Call, ports: list[str]) -> None:
    """The same through each of them."""
    one, other = (json.loads(call("-p", port, "where", "k", "--json").out) for port in ports)
    assert one == other
    assert {one["primary"], *one["backups"]} == {"n1", "n2"}
    assert one["state"] == "served"
    assert call("-p", ports[0], "-q", "where", "k").out.decode() == f"{one['primary']}\n"
    shown = call("-p", ports[0], "where", "k").out.decode()
    assert shown.startswith(f"slot {one['slot']}: on {one['primary']}, copies: ")


def test_where_tells_what_a_key_takes_and_how_long_it_stays(call: Call, ports: list[str]) -> None:
    """If it is there."""
    assert (none := json.loads(call("-p", ports[0], "where", "none", "--json").out))["slot"]
    assert (none["exists"], none["size_bytes"], none["ttl_ms"]) == (False, None, None)
    assert ", no such key (epoch " in call("-p", ports[0], "where", "none").out.decode()
    for options in ([], ["--ttl", "2h"]):
        assert call("-p", ports[0], "set", "there", "v" * 2000, *options).code == 0
        found = json.loads(call("-p", ports[1], "where", "there", "--json").out)
        assert found["exists"]
        assert 2000 < found["size_bytes"] < 2200
        assert (found["ttl_ms"] is not None) == bool(options)
    shown = call("-p", ports[0], "where", "there").out.decode()
    assert ", 2.0 KiB, expires in 1h (epoch " in shown


def test_events_tell_who_came(call: Call, ports: list[str]) -> None:
    """With numbers, of which the next is one more."""
    events = json.loads(call("-p", ports[0], "events", "--json").out)["events"]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert "joined" in {event["kind"] for event in events}
    lines = call("-p", ports[0], "events").out.decode().splitlines()
    assert len(lines) >= len(events)
    assert lines[0].split(maxsplit=3)[3] == events[0]["text"]


def test_status_tells_of_epoch_and_copies(call: Call, ports: list[str]) -> None:
    """And is content as long as nobody is down."""
    done = call("-p", ports[0], "status")
    assert done.code == 0
    assert done.out.decode().splitlines()[0].endswith(", 2 copies of each")
    status = json.loads(call("-p", ports[0], "status", "--json").out)
    assert (status["healthy"], status["serves"], status["down"]) == (True, True, [])


def test_leave_is_not_done_without_a_word(call: Call, ports: list[str]) -> None:
    """Where nobody can be asked, --yes has to say so."""
    done = call("-p", ports[1], "leave")
    assert (done.code, done.sentence) == (2, "memcli: say --yes, since there is nobody to ask")


def test_a_node_leaves_and_its_keys_stay(call: Call) -> None:
    """Its process ends well, and the others know that it has left, which is not being down."""
    with MemnodeCluster(2, use_mdns=False) as cluster:
        first, second = cluster.nodes
        with second.client() as client:
            for number in range(100):
                client.set(f"k{number}", "v")
        done = call("-p", str(second.port), "leave", "--yes")
        assert done.code == 0
        assert done.out.decode().startswith("n2 has left and stopped; it had ")
        assert second.process is not None
        assert second.process.wait(30) == 0
        with first.client() as client:
            assert client.dbsize() == 100
        done = call("-p", str(first.port), "peers", "--json")
        assert [peer["state"] for peer in json.loads(done.out)["peers"]] == ["self", "left"]
        assert call("-p", str(first.port), "status").code == 0


def test_status_is_not_content_when_a_node_is_down(call: Call) -> None:
    """Scripts look at the exit code."""
    with MemnodeCluster(2, use_mdns=False) as cluster:
        first, second = cluster.nodes
        second.kill()
        wait_for(lambda: call("-p", str(first.port), "status").code == 1, "status says so")
        status = json.loads(call("-p", str(first.port), "status", "--json").out)
        assert (status["healthy"], status["down"]) == (False, ["n2"])


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_node_stop_waits_until_the_others_have_the_keys(
    call: Call, home: Home, options: tuple[str, ...]
) -> None:
    """With --force it does not; then what had no copy is gone."""
    one, other = str(free_port()), str(free_port())
    pool = (*QUICK, "--cluster", f"stop-{one}")
    try:
        assert call("node", "start", "-p", one, *pool).code == 0
        joining = ("--join", f"127.0.0.1:{one}")
        assert call("node", "start", "-p", other, *pool, *joining).code == 0

        def is_settled() -> bool:
            ring = json.loads(call("-p", one, "ring", "--json").out)
            return len(ring["members"]) == 2 and ring["slots_left"] == 0

        wait_for(is_settled, "both have their slots")
        for number in range(50):
            call("-p", one, "set", f"k{number}", "v")
        stopped = call("node", "stop", "-p", other, *options)
        assert stopped.code == 0
        assert stopped.out.decode().startswith(f"Stopped the node on port {other} ")
        assert background.maybe_started(int(other)) is None
        wait_for(lambda: call("-p", one, "keys").code == 0, "the other one serves all slots")
        count = call("-p", one, "keys").out.count(b"\n")
        assert count < 50 if options else count == 50
    finally:
        for port in (one, other):
            if background.maybe_started(int(port)) is not None:
                background.stop(int(port), at_once=True)


def test_what_is_in_the_way_is_said_with_numbers() -> None:
    """One sentence each."""
    ring = {
        "has_lease": 0,
        "slots_left": 10,
        "slots_at_start": 40,
        "attempts": [{"kind": "copy", "slots": 5, "to": "elm"}],
        "refused": [{"name": "oak", "needs": 2 << 30, "has": 1 << 20}],
        "short_of_copies": 3,
    }
    assert ring_advice(ring) == [
        "this node serves nothing: no quorum of the members answers it",
        "10 of 40 slots are still to be copied, moved or dropped",
        "this node copies 5 slots to elm now",
        "oak refuses slots: they need 2.0 GiB, it has room for 1.0 MiB",
        "3 slots of this node have too few copies",
    ]
