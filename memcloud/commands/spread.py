"""How commands over several owners are split, and their replies joined into one.

Each function is a gatherer (see `gather`): the command's own handler runs on every member for its
share of the keys, and what is here puts the shares together as one Redis would have answered.
Nothing is atomic over several owners; an error of one share is the reply of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from memcloud.errors import CommandError
from memcloud.resp import Reply
from memcloud.ring import key_slot
from memcloud.store import scan_position

from .gather import Part, checked
from .table import Args, Plan

if TYPE_CHECKING:
    from .context import Context


FLUSHES_MAX = 5  # rounds, while slots keep moving
AT_EPOCH = "_peer.at"
"""The command `_PEER.AT epoch command...`: by a table of that epoch, and by no other."""


def split_sum(context: Context, args: Args) -> Plan:
    """DEL, UNLINK, EXISTS, TOUCH: the sum of the shares."""
    shares = _by_owner(context, args, step=1)
    replies = yield _parts(args, shares, step=1)
    return sum(_integers(replies))


def mget(context: Context, args: Args) -> Plan:
    """MGET: each value at the place of its key."""
    shares = _by_owner(context, args, step=1)
    replies = yield _parts(args, shares, step=1)
    values: list[Reply] = [None] * (len(args) - 1)
    for positions, reply in zip(shares.values(), checked(replies), strict=True):
        for position, value in zip(positions, _list(reply), strict=True):
            values[position - 1] = value
    return values


def mset(context: Context, args: Args) -> Plan:
    """MSET: OK when every share is."""
    if len(args) % 2 == 0:
        raise CommandError("ERR wrong number of arguments for 'mset' command")
    shares = _by_owner(context, args, step=2)
    replies = yield _parts(args, shares, step=2)
    checked(replies)
    return "OK"


def flush(context: Context, args: Args) -> Plan:
    """FLUSHALL, FLUSHDB: OK when every member says so.

    If slots changed hands meanwhile, one may have gone from a member that had not flushed yet to
    one that had; so all are asked again.
    """
    for _ in range(FLUSHES_MAX):
        epoch = context.node.membership.epoch
        checked((yield _everywhere(context, args)))
        if context.node.membership.epoch == epoch:
            break
    return "OK"


def swap(context: Context, args: Args) -> Plan:
    """SWAPDB: OK when every member says so."""
    checked((yield _everywhere(context, args)))
    return "OK"


def dbsize(context: Context, args: Args) -> Plan:
    """DBSIZE: the keys of all members."""
    replies = yield _at_once(context, args)
    return sum(_integers(replies))


def keys(context: Context, args: Args) -> Plan:
    """KEYS: those of all members."""
    replies = yield _at_once(context, args)
    return [key for reply in checked(replies) for key in _list(reply)]


def randomkey(context: Context, args: Args) -> Plan:
    """RANDOMKEY: of a member chosen by how many keys it has, so that each key is as likely.

    All are asked for a key at once, and not the chosen one afterwards: in between it might run
    what the client has sent next, and have no keys any more.
    """
    replies = yield [*_at_once(context, [b"DBSIZE"]), *_at_once(context, args)]
    members = len(replies) // 2
    keys = checked(replies[members:])
    sizes = _integers(replies[:members])
    weights = [size if key is not None else 0 for key, size in zip(keys, sizes, strict=True)]
    if not any(weights):
        return None
    return keys[_weighted(context.node.random.randrange(sum(weights)), weights)]


def scan(context: Context, args: Args) -> Plan:
    """SCAN: the next keys of the whole cluster in the order of their scan position.

    The cursor is a position in the order of all keys and says nothing of members, so it stays
    good when slots change hands. Every member gives its next keys from there on; what lies beyond
    the point up to which all of them have looked is left for the next step.
    """
    replies = yield _at_once(context, args)
    found: list[bytes] = []
    ends: list[int] = []
    for reply in checked(replies):
        cursor, page = _list(reply)
        assert isinstance(cursor, bytes)
        found.extend(key for key in _list(page) if isinstance(key, bytes))
        if cursor != b"0":
            ends.append(int(cursor))
    if not ends:
        return [b"0", found]
    end = min(ends)
    return [b"%d" % end, [key for key in found if scan_position(key) < end]]


def _by_owner(context: Context, args: Args, *, step: int) -> dict[str, list[int]]:
    """Return the positions of the keys by the member that owns them, in the order of the keys."""
    owners = context.node.membership.owners
    shares: dict[str, list[int]] = {}
    for position in range(1, len(args), step):
        shares.setdefault(owners[key_slot(args[position])], []).append(position)
    return shares


def _parts(args: Args, shares: dict[str, list[int]], *, step: int) -> list[Part]:
    return [
        Part(member, [args[0], *(args[at + i] for at in positions for i in range(step))])
        for member, positions in shares.items()
    ]


def _everywhere(context: Context, args: Args) -> list[Part]:
    return [Part(member.id, args) for member in context.node.membership.members]


def _at_once(context: Context, args: Args) -> list[Part]:
    """Return parts for all members that run only while all go by the table of this one.

    If a slot moved in between, its keys would be counted on both members, or on neither.
    """
    epoch = b"%d" % context.node.membership.epoch
    return _everywhere(context, [AT_EPOCH.encode(), epoch, *args])


def _integers(replies: Sequence[Reply]) -> Iterable[int]:
    for reply in checked(replies):
        assert isinstance(reply, int)
        yield reply


def _list(reply: Reply) -> list[Reply]:
    assert isinstance(reply, list)
    return reply


def _weighted(point: int, weights: Sequence[int]) -> int:
    for index, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return index
    raise AssertionError("the point lies beyond the sum of the weights")
