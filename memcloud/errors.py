"""What can go wrong, and what the client is told.

A `CommandError` is an answer: its text is the error reply, code first. Texts that Redis has are
Redis' own, character for character, because clients parse them.
"""

from __future__ import annotations


def echoed(word: bytes) -> str:
    """Return what an error text shows of a client's word: as in Redis, up to a zero byte."""
    # The encoder keeps errors to one line and turns escaped bytes back into what they were.
    return word.partition(b"\0")[0].decode("utf-8", "surrogateescape")


class MemCloudError(Exception):
    """The root of everything that MemCloud raises on purpose."""


class SettingsError(MemCloudError):
    """A flag, variable or file says what cannot be; the sentence names it. Exit code 2."""


class StartError(MemCloudError):
    """The node cannot run here (port or name taken, no permission). Exit code 1."""


class StateError(StartError):
    """A file that the node keeps cannot be read or written; the sentence says what to do."""


class CommandError(MemCloudError):
    """The command was understood and is refused; the connection stays usable.

    ``str(error)`` is the whole reply without the dash: ``ERR value is not an integer``.
    """


class InternalError(CommandError):
    """A fault of ours; the log says more. The connection and the data are as before."""

    def __init__(self) -> None:
        super().__init__("ERR internal error; the node's log has the details")


class WrongTypeError(CommandError):
    """The client used a command on a key of another type."""

    def __init__(self) -> None:
        super().__init__("WRONGTYPE Operation against a key holding the wrong kind of value")


class SyntaxFault(CommandError):
    """The client gave options that do not exist or exclude each other."""

    def __init__(self) -> None:
        super().__init__("ERR syntax error")


class NotAnIntegerError(CommandError):
    """The client gave, or the key holds, something that is no 64-bit integer."""

    def __init__(self) -> None:
        super().__init__("ERR value is not an integer or out of range")


class NotAFloatError(CommandError):
    """The client gave, or the key holds, something that is no finite number."""

    def __init__(self) -> None:
        super().__init__("ERR value is not a valid float")


class NoSuchKeyError(CommandError):
    """The command needs a key that is not there."""

    def __init__(self) -> None:
        super().__init__("ERR no such key")


class OutOfMemoryError(CommandError):
    """The node that owns the key is full and its policy lets it evict nothing."""

    def __init__(self) -> None:
        super().__init__("OOM command not allowed when used memory > 'maxmemory'.")


class WrongArityError(CommandError):
    """The client gave too few or too many arguments."""

    def __init__(self, name: str) -> None:
        super().__init__(f"ERR wrong number of arguments for '{name}' command")


class CrossSlotError(CommandError):
    """The command must be atomic over its keys, and they live in different slots."""

    def __init__(self) -> None:
        super().__init__("CROSSSLOT Keys in request don't hash to the same slot")


class TryAgainError(CommandError):
    """Nothing was done; the owner of the key is changing. The same command will work soon."""

    def __init__(self, why: str) -> None:
        super().__init__(f"TRYAGAIN {why}")


class UnknownOutcomeError(CommandError):
    """The owner went away after a write was sent to it: it may or may not have happened."""

    def __init__(self, member: str) -> None:
        super().__init__(f"UNKNOWN {member} did not answer; the write may or may not have happened")


class NoPeerError(CommandError):
    """The client named a peer that nobody has seen."""

    def __init__(self, name: str) -> None:
        super().__init__(f"NOPEER no peer is named '{name}'")


class PeerDownError(CommandError):
    """The peer that holds the block is away; the block may come back with it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"PEERDOWN {name}")


class NoRoomError(CommandError):
    """A node shall leave and the others cannot take what it holds: free memory, or force it."""

    def __init__(self, needed_bytes: int, free_bytes: int) -> None:
        super().__init__(
            f"NOROOM the other members have no room for what this node holds: it needs"
            f" {needed_bytes} bytes, they have {free_bytes}"
        )
