"""Where a command runs: here, on one other member, or split over several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from memcloud.cluster.membership import Membership
from memcloud.commands.spread import AT_EPOCH
from memcloud.commands.table import Args, Command, Route
from memcloud.errors import CrossSlotError
from memcloud.ring import key_slot

if TYPE_CHECKING:
    from .clustering import Clustering

HERE: Final = "here"
COPIED: Final = "copied"  # here, and its reply waits for other members: see `replication`
HELD: Final = "held"  # here, but not now
SPLIT: Final = "split"
ELSEWHERE: Final = "elsewhere"


class Router:
    """Looks commands up in the slot table in force."""

    def __init__(self, membership: Membership, clustering: Clustering) -> None:
        self._membership = membership
        self._clustering = clustering

    def destination(self, command: Command, args: Args) -> str:
        """Return `HERE`, `COPIED`, `HELD`, `SPLIT`, or the id of the member that has to run it.

        Raises:
            CrossSlotError: the command is atomic and its keys live in several slots.
        """
        if command.route is Route.PLAN:
            return SPLIT
        if command.route is Route.HERE or self._clustering.is_whole:
            return HERE
        me = self._membership.me.id
        owners = self._membership.owners
        positions = command.key_positions(args)
        if len(positions) == 1:
            slot = key_slot(args[positions[0]])
            return owners[slot] if owners[slot] != me else self._clustering.state_of(slot)
        if not positions:
            if command.route is not Route.GATHER:
                return HERE
            return SPLIT if not self._membership.is_alone else self.state_here(command, args)
        slots = slots_of(command, args)
        if command.route is Route.OWNER and len(slots) > 1 and not self._membership.is_alone:
            raise CrossSlotError
        members = {owners[slot] for slot in slots}
        if len(members) > 1:
            return SPLIT
        owner = members.pop()
        return owner if owner != me else self.state_here(command, args)

    def state_here(self, command: Command, args: Args) -> str:
        """Return `HERE`, `COPIED`, `HELD`, or `ELSEWHERE` if a key of it is not this node's."""
        if command.name == AT_EPOCH:
            if args[1] != b"%d" % self._membership.epoch:
                return HELD
            return self._clustering.state_of_all(is_write=False)
        if self._clustering.is_whole:
            return HERE
        me = self._membership.me.id
        owners = self._membership.owners
        positions = command.key_positions(args)
        if not positions:
            if command.route is not Route.GATHER:
                return HERE
            return self._clustering.state_of_all(is_write=command.is_write)
        state = HERE
        for position in positions:
            slot = key_slot(args[position])
            if owners[slot] != me:
                return ELSEWHERE
            state = _later(state, self._clustering.state_of(slot))
        return state


def slots_of(command: Command, args: Args) -> set[int]:
    """Return the slots of the keys of a command."""
    return {key_slot(args[position]) for position in command.key_positions(args)}


def _later(one: str, other: str) -> str:
    """Return which of two states of slots decides about a command on both."""
    return max(one, other, key=(HERE, COPIED, HELD).index)
