"""Who is in the table in force, and what this node knows about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memcloud.cluster.member import Member, State
from memcloud.cluster.membership import DEPARTED_MAX, KNOWN_MAX, SUSPECT_AFTER_MS, Membership
from memcloud.cluster.names import member_id
from memcloud.link.messages import PROTOCOL_VERSION, Identity
from memcloud.ring import SLOTS
from tests.manual_clock import ManualClock

HOST = "127.0.0.1"


def identity(number: int, **changes: object) -> Identity:
    """Return the identity of a made-up member."""
    device = f"device{number}"
    base = Identity(
        version=PROTOCOL_VERSION,
        cluster="c",
        device=device,
        incarnation=1,
        id=member_id(device, 1),
        name=f"n{number}",
        bind=HOST,
        port=7000 + number % 1000,
        peer_bind=HOST,
        peer_port=17000 + number % 1000,
        memory_bytes=1 << 30,
        uptime_ms=0,
        is_serving=True,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def later_run(number: int) -> Identity:
    """Return the identity of the next run of a made-up member's device."""
    first = identity(number)
    return replace(first, incarnation=2, id=member_id(first.device, 2))


class View:
    """A membership under test, and the tables that it is given."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.membership = Membership(Member(identity(1), HOST, State.SELF), self.clock)

    def adopt(self, *others: Identity, owner: Identity | None = None) -> None:
        """Let a table be in force with this node, those, and one owner of all slots."""
        members = [(each.device, each.incarnation) for each in (identity(1), *others)]
        owners = ((owner or identity(1)).id,) * SLOTS
        self.membership.adopt(self.membership.epoch + 1, members, owners)

    def meet(self, *others: Identity) -> None:
        """Let links lead to those."""
        for each in others:
            self.membership.met(each, HOST)


def names(membership: Membership) -> list[str]:
    """Return the names of the members in their order."""
    return [member.name for member in membership.members]


def test_before_there_is_a_table_a_node_is_alone_at_epoch_0() -> None:
    """Somebody has to stand in the table that commands look keys up in."""
    membership = View().membership
    assert (membership.is_alone, membership.epoch) == (True, 0)
    assert set(membership.owners) == {membership.me.id}


def test_whoever_is_met_is_no_member_before_a_table_says_so() -> None:
    """Links are made before and after; the cluster decides."""
    view = View()
    view.meet(identity(2))
    assert view.membership.is_alone
    assert view.membership.find(identity(2).id) is None
    known = view.membership.known(identity(2).id)
    assert known is not None
    assert known.name == "n2"


def test_the_table_says_who_is_a_member_and_who_owns_what() -> None:
    """With its epoch, and this node first."""
    view = View()
    view.meet(identity(3), identity(2))
    view.adopt(identity(3), identity(2), owner=identity(3))
    assert names(view.membership) == ["n1", "n2", "n3"]
    assert (view.membership.epoch, view.membership.is_alone) == (1, False)
    assert set(view.membership.owners) == {identity(3).id}
    assert view.membership.find(identity(2).id) is view.membership.known(identity(2).id)


def test_a_member_that_was_never_met_is_known_by_its_device() -> None:
    """Until a link leads to it: then it has a name, an address and a load."""
    view = View()
    view.adopt(identity(2))
    (stranger,) = view.membership.members[1:]
    assert (stranger.id, stranger.state) == (identity(2).id, State.SUSPECT)
    assert (stranger.name, stranger.host) == ("device2", "")
    view.meet(identity(2))
    (member,) = view.membership.members[1:]
    assert (member.name, member.peer_address) == ("n2", (HOST, 17002))


def test_meeting_a_member_again_keeps_what_is_known_of_it() -> None:
    """A second link to it tells nothing of its load."""
    view = View()
    view.adopt(identity(2))
    first = view.membership.met(identity(2), HOST)
    first.used_bytes = 100
    assert view.membership.met(identity(2), HOST) is first
    assert view.membership.find(identity(2).id) is first


def test_another_run_of_a_device_is_another_member() -> None:
    """What the first one held went with it."""
    view = View()
    view.meet(identity(2), later_run(2))
    view.adopt(identity(2))
    view.adopt(later_run(2))
    assert view.membership.find(identity(2).id) is None
    assert view.membership.find(later_run(2).id) is not None
    assert [member.id for member in view.membership.departed] == [identity(2).id]


def test_a_member_outside_a_newer_table_stays_known_by_name() -> None:
    """PEERDOWN is not NOPEER."""
    view = View()
    view.meet(identity(2))
    view.adopt(identity(2))
    view.adopt()
    found = view.membership.find_by_name("n2")
    assert found is not None
    assert found.state is State.DOWN
    assert view.membership.find(identity(2).id) is None
    assert view.membership.find_by_name("n3") is None


def test_a_present_member_is_found_before_a_departed_one_of_its_name() -> None:
    """A node that came back is meant, not its run before."""
    view = View()
    view.meet(identity(2), later_run(2))
    view.adopt(identity(2))
    view.adopt(later_run(2))
    found = view.membership.find_by_name("n2")
    assert found is not None
    assert found.id == later_run(2).id


def test_a_member_that_is_taken_in_again_has_not_departed() -> None:
    """Two clusters may have it by turns."""
    view = View()
    view.meet(identity(2))
    for others in ([identity(2)], [], [identity(2)]):
        view.adopt(*others)
    assert view.membership.departed == []
    assert names(view.membership) == ["n1", "n2"]


def test_the_memory_of_the_gone_is_bounded() -> None:
    """A node that restarts for ever must not fill it."""
    view = View()
    for number in range(2, DEPARTED_MAX + 10):
        view.adopt(identity(number))
    assert len(view.membership.departed) == DEPARTED_MAX
    assert view.membership.departed[-1].id == identity(DEPARTED_MAX + 8).id


def test_the_memory_of_the_met_is_bounded_and_keeps_the_members() -> None:
    """Anybody on the network can make links."""
    view = View()
    view.meet(identity(2))
    view.adopt(identity(2))
    strangers = [identity(number) for number in range(3, KNOWN_MAX + 10)]
    view.meet(*strangers)
    known = [each for each in strangers if view.membership.known(each.id) is not None]
    assert known == strangers[-KNOWN_MAX + 1 :]
    assert view.membership.known(identity(2).id) is not None


def test_a_silent_member_is_suspect_until_it_is_heard() -> None:
    """To the millisecond. That it is given up is decided elsewhere."""
    view = View()
    view.meet(identity(2))
    view.adopt(identity(2))
    (member,) = view.membership.members[1:]
    states: list[State] = []
    for pause_ms in (SUSPECT_AFTER_MS - 1, 1):
        view.clock.advance(pause_ms)
        view.membership.tick()
        states.append(member.state)
    view.membership.heard(member.id)
    assert [*states, member.state] == [State.ALIVE, State.SUSPECT, State.ALIVE]


def test_a_pause_of_the_node_itself_does_not_count_against_others() -> None:
    """After a suspend all of them have been silent."""
    view = View()
    view.meet(identity(2))
    view.adopt(identity(2))
    view.clock.advance(60_000)
    view.membership.forgive(60_000)
    view.membership.tick()
    assert view.membership.members[1].state is State.ALIVE


def test_who_starts_over_is_another_member_in_no_table() -> None:
    """It was given up: nobody knows it by its old id any more."""
    view = View()
    view.meet(identity(2))
    view.adopt(identity(2), owner=identity(2))
    me = Member(later_run(1), HOST, State.SELF)
    view.membership.forget_all(me)
    assert (view.membership.is_alone, view.membership.epoch) == (True, 0)
    assert set(view.membership.owners) == {me.id}
    assert view.membership.find(identity(1).id) is None


@pytest.mark.parametrize(
    ("bind", "host", "address"),
    [
        (HOST, HOST, (HOST, 7002)),  # on this machine
        (HOST, "192.168.1.2", None),  # on another one, for itself only
        ("0.0.0.0", "192.168.1.2", ("192.168.1.2", 7002)),
        ("192.168.1.9", "192.168.1.2", ("192.168.1.9", 7002)),
    ],
)
def test_clients_are_sent_only_where_they_can_go(
    bind: str, host: str, address: tuple[str, int] | None
) -> None:
    """CLUSTER SLOTS shows the node itself in place of a member that is out of reach."""
    assert Member(identity(2, bind=bind), host).client_address() == address
