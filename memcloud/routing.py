"""Where a command runs: here, on one other member, or split over several."""

from __future__ import annotations

from typing import Final

from memcloud.cluster.membership import Membership
from memcloud.commands.table import Args, Command, Route
from memcloud.errors import CrossSlotError
from memcloud.ring import key_slot

HERE: Final = "here"
SPLIT: Final = "split"


class Router:
    """Looks commands up in the slot table in force."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    def destination(self, command: Command, args: Args) -> str:
        """Return `HERE`, `SPLIT`, or the id of the member that has to run the command.

        Raises:
            CrossSlotError: the command is atomic and its keys live in several slots.
        """
        if command.route is Route.PLAN:
            return SPLIT
        if command.route is Route.HERE or self._membership.is_alone:
            return HERE
        me = self._membership.me.id
        owners = self._membership.owners
        positions = command.key_positions(args)
        if len(positions) == 1:
            owner = owners[key_slot(args[positions[0]])]
            return HERE if owner == me else owner
        if not positions:
            return SPLIT if command.route is Route.GATHER else HERE
        slots = {key_slot(args[position]) for position in positions}
        if command.route is Route.OWNER and len(slots) > 1:
            raise CrossSlotError
        members = {owners[slot] for slot in slots}
        if len(members) > 1:
            return SPLIT
        owner = members.pop()
        return HERE if owner == me else owner

    def is_mine(self, command: Command, args: Args) -> bool:
        """Return whether this node owns all keys of a command."""
        me = self._membership.me.id
        owners = self._membership.owners
        for position in command.key_positions(args):
            if owners[key_slot(args[position])] != me:
                return False
        return True
