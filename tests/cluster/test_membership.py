"""Who is in the view, when a member is given up, and who has to start over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memcloud.cluster.member import Member, State
from memcloud.cluster.membership import DOWN_AFTER_MS, SUSPECT_AFTER_MS, Membership
from memcloud.link.messages import DEPARTED_MAX, PROTOCOL_VERSION, Identity
from memcloud.ring import SLOTS, SlotTable
from tests.manual_clock import ManualClock


def identity(number: int, **changes: object) -> Identity:
    """Return the identity of a made-up member."""
    base = Identity(
        version=PROTOCOL_VERSION,
        cluster="c",
        id=f"{number:040x}",
        name=f"n{number}",
        bind="127.0.0.1",
        port=7000 + number,
        peer_bind="127.0.0.1",
        peer_port=17000 + number,
        memory_bytes=1 << 30,
        uptime_ms=0,
        is_serving=True,
        view_size=1,
        view_first=f"{number:040x}",
        departed=(),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


class View:
    """A membership under test, and the tables that it has had."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.changes: list[tuple[SlotTable, SlotTable]] = []
        me = Member(identity(1), "127.0.0.1", State.SELF)
        self.membership = Membership(me, self.clock, lambda *change: self.changes.append(change))


def test_a_node_alone_owns_every_slot() -> None:
    """From its first moment."""
    membership = View().membership
    assert membership.is_alone
    assert set(membership.owners) == {membership.me.id}


def test_each_change_of_the_members_makes_a_table_with_a_higher_epoch() -> None:
    """And tells of it, with the old one."""
    view = View()
    view.membership.add(identity(2), "127.0.0.1")
    view.membership.remove(identity(2).id, "a test")
    epochs = [(old.epoch, new.epoch) for old, new in view.changes]
    assert epochs == [(1, 2), (2, 3)]
    assert view.changes[0][1].count(identity(2).id) == pytest.approx(SLOTS / 2, rel=0.05)


def test_hearing_of_a_member_again_changes_nothing() -> None:
    """A second link to it must not make a second table."""
    view = View()
    view.membership.add(identity(2), "127.0.0.1")
    view.membership.add(identity(2), "127.0.0.1")
    assert len(view.changes) == 1


def test_the_higher_number_of_an_equal_table_is_taken() -> None:
    """So nodes with one view agree on its number too."""
    view = View()
    view.membership.adopt_epoch(9, view.membership.table.digest)
    assert view.membership.epoch == 9
    view.membership.adopt_epoch(5, view.membership.table.digest)
    view.membership.adopt_epoch(12, view.membership.table.digest ^ 1)
    assert view.membership.epoch == 9


def test_a_silent_member_is_suspect_first_and_then_given_up() -> None:
    """To the millisecond."""
    view = View()
    member = view.membership.add(identity(2), "127.0.0.1")
    states: list[State] = []
    for pause_ms in (SUSPECT_AFTER_MS - 1, 1, DOWN_AFTER_MS - SUSPECT_AFTER_MS - 1):
        view.clock.advance(pause_ms)
        assert view.membership.silent_members() == []
        states.append(member.state)
    view.clock.advance(1)
    assert view.membership.silent_members() == [member]
    view.membership.heard(member.id)
    assert view.membership.silent_members() == []
    assert [*states, member.state] == [State.ALIVE, State.SUSPECT, State.SUSPECT, State.ALIVE]


def test_a_pause_of_the_node_itself_does_not_count_against_others() -> None:
    """After a suspend all of them have been silent."""
    view = View()
    view.membership.add(identity(2), "127.0.0.1")
    view.clock.advance(60_000)
    view.membership.forgive(60_000)
    assert view.membership.silent_members() == []


def test_members_that_are_gone_stay_known_by_name() -> None:
    """PEERDOWN is not NOPEER."""
    view = View()
    view.membership.add(identity(2), "127.0.0.1")
    view.membership.remove(identity(2).id, "a test")
    found = view.membership.find_by_name("n2")
    assert found is not None
    assert found.state is State.DOWN
    assert view.membership.find(identity(2).id) is None
    assert view.membership.find_by_name("n3") is None


def test_the_memory_of_the_gone_is_bounded() -> None:
    """A node that restarts for ever must not fill it."""
    view = View()
    for number in range(2, DEPARTED_MAX + 10):
        view.membership.add(identity(number), "127.0.0.1")
        view.membership.remove(identity(number).id, "a test")
    assert len(view.membership.departed) == DEPARTED_MAX


def test_one_that_was_given_up_and_does_not_know_it_starts_over() -> None:
    """It was paused: what it holds is old."""
    view = View()
    view.membership.add(identity(2), "127.0.0.1")
    view.membership.remove(identity(2).id, "silent")
    assert view.membership.is_excluded(identity(2, view_size=5))
    assert not view.membership.is_excluded(identity(3))


@pytest.mark.parametrize(
    ("view_size", "view_first", "is_excluded"),
    [
        (2, 2, False),  # it sees more: this side starts over
        (1, 2, True),  # equal parts: the one with the lowest id goes on, which is this one
        (1, 0, False),
    ],
)
def test_of_two_that_gave_each_other_up_the_smaller_part_starts_over(
    view_size: int, view_first: int, is_excluded: bool
) -> None:
    """Both come to the same answer, so that one side keeps its data."""
    view = View()
    view.membership.add(identity(2), "127.0.0.1")
    view.membership.remove(identity(2).id, "silent")
    returning = identity(
        2, view_size=view_size, view_first=f"{view_first:040x}", departed=(identity(1).id,)
    )
    assert view.membership.is_excluded(returning) is is_excluded


@pytest.mark.parametrize(
    ("bind", "host", "address"),
    [
        ("127.0.0.1", "127.0.0.1", ("127.0.0.1", 7002)),  # on this machine
        ("127.0.0.1", "192.168.1.2", None),  # on another one, for itself only
        ("0.0.0.0", "192.168.1.2", ("192.168.1.2", 7002)),
        ("192.168.1.9", "192.168.1.2", ("192.168.1.9", 7002)),
    ],
)
def test_clients_are_sent_only_where_they_can_go(
    bind: str, host: str, address: tuple[str, int] | None
) -> None:
    """CLUSTER SLOTS shows the node itself in place of a member that is out of reach."""
    assert Member(identity(2, bind=bind), host).client_address() == address
