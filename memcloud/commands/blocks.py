"""Blocks: values without a key, found by the number that storing them returned.

An id is a random 63-bit number, and hashes to a slot like a key. The owner of that slot has the
bytes; or, if the block was stored on a named peer, a pointer to the member that holds them. So any
node finds any block by asking the slot's owner, and never has to ask around.

An id is told to the client only after whoever keeps the bytes has them.

A block is pinned: nobody could make it again. One stored as CACHE may be evicted, and so may the
pointer to it, each at its own time; LOAD answers nil when either is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memcloud.cluster.member import Member
from memcloud.errors import CommandError, NoPeerError, PeerDownError, SyntaxFault
from memcloud.resp import Reply
from memcloud.ring import key_slot
from memcloud.store import BlockPointer, Retention

from .gather import Part, checked
from .string_options import RETENTIONS
from .table import Args, Family, Plan, Route

if TYPE_CHECKING:
    from .context import Context

FAMILY = Family("block")
ID_BITS = 63
ID_MAX = (1 << ID_BITS) - 1
# Two blocks with one random id are as good as impossible; this bounds the loop all the same.
ATTEMPTS_MAX = 8
# Draws for an id whose slot is another member's: with two equal members one in two fits.
DRAWS_MAX = 64


def _here(context: Context, args: Args) -> Reply:
    """Stand for a command that always runs as a plan."""
    raise AssertionError(f"{args[0]!r} has a plan")


def _store(context: Context, args: Args) -> Plan:
    data = args[1]
    name, retention = _store_options(args[2:])
    holder = None if name is None else _peer(context, name)
    failure: Reply = None
    for _ in range(ATTEMPTS_MAX):
        identifier = _draw_id(context, holder)
        owner = _owner(context, identifier)
        if holder is None or holder.id == owner:
            (reply,) = yield [Part(owner, [b"_BLOCK.PUT", identifier, data, *retention])]
            if reply == 1:
                return identifier
            failure = reply  # that member is full, or the id in use: try another one
            continue
        checked((yield [Part(holder.id, [b"_BLOCK.HOLD", identifier, data, *retention])]))
        point = Part(owner, [b"_BLOCK.POINT", identifier, holder.name.encode(), *retention])
        (reply,) = yield [point]
        if reply == 1:
            return identifier
        yield [Part(holder.id, [b"_BLOCK.DROP", identifier])]
        checked([reply])
    checked([failure])
    raise CommandError("TRYAGAIN no free block id was found")


def _load(context: Context, args: Args) -> Plan:
    identifier = _parse_id(args[1])
    owner = _owner(context, identifier)
    (found,) = checked((yield [Part(owner, [b"_BLOCK.GET", identifier])]))
    if not isinstance(found, list):
        return found
    holder = _holder(context, found[0])
    (data,) = checked((yield [Part(holder.id, [b"_BLOCK.HELD", identifier])]))
    return data


def _free(context: Context, args: Args) -> Plan:
    by_owner: dict[str, list[bytes]] = {}
    for identifier in map(_parse_id, args[1:]):
        by_owner.setdefault(_owner(context, identifier), []).append(identifier)
    parts = [Part(owner, [b"_BLOCK.FREE", *ids]) for owner, ids in by_owner.items()]
    replies = checked((yield parts))
    freed = 0
    by_holder: dict[str, list[bytes]] = {}
    for reply in replies:
        assert isinstance(reply, list)
        count, *pointers = reply
        assert isinstance(count, int)
        freed += count
        for identifier, name in zip(pointers[::2], pointers[1::2], strict=True):
            assert isinstance(identifier, bytes)
            holder = _maybe_holder(context, name)
            if holder is not None:  # else the bytes went away with it
                by_holder.setdefault(holder.id, []).append(identifier)
    if by_holder:
        checked((yield [Part(who, [b"_BLOCK.DROP", *ids]) for who, ids in by_holder.items()]))
    return freed


@FAMILY.command(
    "store",
    -2,
    "write denyoom",
    route=Route.PLAN,
    gather=_store,
    since="0.1.0",
    complexity="O(N) where N is the size of the block",
    summary="Stores a block of bytes and returns the number it is found by.",
    syntax="data [PEER name] [PINNED | CACHE]",
)
def store(context: Context, args: Args) -> Reply:
    """STORE data [PEER name] [PINNED | CACHE]: the id as a decimal string."""
    return _here(context, args)


@FAMILY.command(
    "load",
    2,
    "readonly",
    route=Route.PLAN,
    gather=_load,
    since="0.1.0",
    complexity="O(N) where N is the size of the block",
    summary="Returns the bytes of a block.",
    syntax="id",
)
def load(context: Context, args: Args) -> Reply:
    """LOAD id: the bytes, nil if there is no such block, PEERDOWN if its holder is away."""
    return _here(context, args)


@FAMILY.command(
    "free",
    -2,
    "write fast",
    route=Route.PLAN,
    gather=_free,
    since="0.1.0",
    complexity="O(N) where N is the number of blocks",
    summary="Gives the memory of blocks back.",
    syntax="id [id ...]",
)
def free(context: Context, args: Args) -> Reply:
    """FREE id [id ...]: how many of them there were."""
    return _here(context, args)


@FAMILY.command("_block.put", -3, "write denyoom", keys=(1, 1, 1), internal=True)
def put(context: Context, args: Args) -> Reply:
    """Keep a block at its id's owner: 1, or 0 if the id is in use."""
    blocks = context.node.store.blocks
    if args[1] in blocks:
        return 0
    blocks.set(args[1], args[2], retention=_retention(args[3:]))
    return 1


@FAMILY.command("_block.point", -3, "write denyoom", keys=(1, 1, 1), internal=True)
def point(context: Context, args: Args) -> Reply:
    """Note at the id's owner who holds the block: 1, or 0 if the id is in use."""
    blocks = context.node.store.blocks
    if args[1] in blocks:
        return 0
    blocks.set(args[1], BlockPointer(args[2].decode()), retention=_retention(args[3:]))
    return 1


@FAMILY.command("_block.hold", -3, "write denyoom", internal=True)
def hold(context: Context, args: Args) -> Reply:
    """Keep the bytes of a block whose id belongs to another member."""
    context.node.store.held.set(args[1], args[2], retention=_retention(args[3:]))
    return "OK"


@FAMILY.command("_block.get", 2, "readonly", keys=(1, 1, 1), internal=True)
def get(context: Context, args: Args) -> Reply:
    """Return the bytes of a block, a list with the name of its holder, or nil."""
    value = context.node.store.blocks.get(args[1])
    return [value.holder.encode()] if isinstance(value, BlockPointer) else value


@FAMILY.command("_block.held", 2, "readonly", internal=True)
def held(context: Context, args: Args) -> Reply:
    """Return the bytes of a block that is held here."""
    value = context.node.store.held.get(args[1])
    assert not isinstance(value, BlockPointer)
    return value


@FAMILY.command("_block.free", -2, "write", keys=(1, -1, 1), internal=True)
def free_owned(context: Context, args: Args) -> Reply:
    """Forget blocks at the owner of their ids: how many there were, then ids and holders."""
    blocks = context.node.store.blocks
    count = 0
    pointers: list[bytes] = []
    for identifier in args[1:]:
        value = blocks.peek(identifier)
        if isinstance(value, BlockPointer):
            pointers += [identifier, value.holder.encode()]
        count += blocks.delete(identifier)
    return [count, *pointers]


@FAMILY.command("_block.drop", -2, "write", internal=True)
def drop(context: Context, args: Args) -> Reply:
    """Forget the bytes of blocks that are held here."""
    return sum(context.node.store.held.delete(identifier) for identifier in args[1:])


def _store_options(words: Args) -> tuple[bytes | None, list[bytes]]:
    """Return the name of the peer, and the word about retention as it goes to other nodes."""
    name: bytes | None = None
    retention: list[bytes] = []
    rest = iter(words)
    for word in rest:
        option = word.upper()
        if option == b"PEER" and name is None:
            name = next(rest, None)
            if name is None:
                raise SyntaxFault
        elif option in RETENTIONS and retention in ([], [option]):
            retention = [option]
        else:
            raise SyntaxFault
    return name, retention


def _retention(words: Args) -> Retention:
    """Return what a block is to be kept as, from what `_store_options` made."""
    return RETENTIONS[words[0]] if words else Retention.PINNED


def _parse_id(text: bytes) -> bytes:
    if text.isdigit() and len(text) <= 19 and 0 < int(text) <= ID_MAX:
        return b"%d" % int(text)
    raise CommandError("ERR a block id is a decimal number from 1 to 9223372036854775807")


def _draw_id(context: Context, holder: Member | None) -> bytes:
    """Return a new id; the pointer to a named holder's block shall outlive that holder."""
    node = context.node
    for _ in range(DRAWS_MAX):
        identifier = b"%d" % (node.random.getrandbits(ID_BITS) or 1)
        if holder is None or _owner(context, identifier) != holder.id:
            break
    return identifier


def _owner(context: Context, identifier: bytes) -> str:
    return context.node.membership.owners[key_slot(identifier)]


def _peer(context: Context, name: bytes) -> Member:
    member = context.node.membership.find_by_name(name.decode("utf-8", "replace"))
    if member is None:
        raise NoPeerError(name.decode("utf-8", "replace"))
    if member.is_gone:
        raise PeerDownError(member.name)
    return member


def _holder(context: Context, name: Reply) -> Member:
    holder = _maybe_holder(context, name)
    if holder is None:
        assert isinstance(name, bytes)
        raise PeerDownError(name.decode())
    return holder


def _maybe_holder(context: Context, name: Reply) -> Member | None:
    assert isinstance(name, bytes)
    holder = context.node.membership.find_by_name(name.decode())
    return None if holder is None or holder.is_gone else holder
