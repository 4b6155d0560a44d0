"""What a command does with its keys: the key specifications of COMMAND INFO and GETKEYSANDFLAGS.

Each key has one of RO (read), RW (read and written), OW (overwritten whatever it held) and RM
(removed), and words on what of its *value* is used or changed: ``access``, ``update``, ``insert``,
``delete``. For most commands these follow from the flags; the others stand in `_OTHERS`, with one
entry for each key if the keys are treated differently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from memcloud.resp import Reply, SetReply

from .table import Args, Command, KeySpec

_READ = "RO access"
_WRITTEN = "RW update"
_OTHERS: Final[Mapping[str, tuple[str, ...]]] = {
    "append": ("RW insert",),
    "copy": ("RO access", "OW update"),
    "decr": ("RW access update",),
    "decrby": ("RW access update",),
    "del": ("RM delete",),
    "exists": ("RO",),
    "getdel": ("RW access delete",),
    "getex": ("RW access update",),
    "getset": ("RW access update",),
    "incr": ("RW access update",),
    "incrby": ("RW access update",),
    "incrbyfloat": ("RW access update",),
    "memory|usage": ("RO",),
    "mset": ("OW update",),
    "msetnx": ("OW insert",),
    "object|encoding": ("RO",),
    "object|freq": ("RO",),
    "object|idletime": ("RO",),
    "object|refcount": ("RO",),
    "psetex": ("OW update",),
    "rename": ("RW access delete", "OW update"),
    "renamenx": ("RW access delete", "OW insert"),
    "set": ("RW access update variable_flags",),
    "setex": ("OW update",),
    "setnx": ("OW insert",),
    "strlen": ("RO",),
    "touch": ("RO",),
    "type": ("RO",),
    "unlink": ("RM delete",),
}


def key_specs(command: Command) -> list[Reply]:
    """Return the key specifications of a command as COMMAND INFO gives them."""
    spec = command.keys
    if spec is None:
        return []
    access = _access(command)
    if len(access) == 1:
        last = spec.last - spec.first if spec.last >= 0 else spec.last
        return [_specification(access[0], spec.first, _find_keys(spec, last))]
    positions = range(spec.first, spec.last + 1, spec.step)
    return [
        _specification(words, position, _find_keys(spec, 0))
        for words, position in zip(access, positions, strict=True)
    ]


def keys_with_access(command: Command, args: Args) -> list[tuple[bytes, list[str]]]:
    """Return the keys in the arguments of a command, each with what is done to it."""
    keys = [args[position] for position in command.key_positions(args)]
    access = list(_access(command))
    if command.name == "set":
        # The only command whose treatment of the key depends on an option.
        has_get = any(word.upper() == b"GET" for word in args[3:])
        access = ["RW access update" if has_get else "OW update"]
    if len(access) == 1:
        access *= len(keys)
    return [(key, words.split()) for key, words in zip(keys, access, strict=False)]


def _access(command: Command) -> Sequence[str]:
    default = _WRITTEN if command.is_write else _READ
    return _OTHERS.get(command.name, (default,))


def _specification(access: str, first: int, find_keys: Reply) -> Reply:
    return {
        b"flags": SetReply(access.split()),
        b"begin_search": {b"type": b"index", b"spec": {b"index": first}},
        b"find_keys": find_keys,
    }


def _find_keys(spec: KeySpec, last: int) -> Reply:
    if spec.numkeys is not None:
        position = {b"keynumidx": 0, b"firstkey": 1, b"keystep": spec.step}
        return {b"type": b"keynum", b"spec": position}
    return {b"type": b"range", b"spec": {b"lastkey": last, b"keystep": spec.step, b"limit": 0}}
