"""From the arguments of a request to the entry of the command table, and to the run of its handler.

The order of the checks is that of Redis, since it decides which of two faults a client is told of:
the name, the arity, authentication, (where it has to run,) memory, and then the handler's own.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from memcloud.clock import Clock
from memcloud.commands.context import Context
from memcloud.commands.table import Args, Command, CommandTable
from memcloud.errors import CommandError, InternalError, OutOfMemoryError, WrongArityError, echoed
from memcloud.resp import ErrorReply, Reply, encode
from memcloud.stats import Statistics
from memcloud.store import Store

logger = logging.getLogger(__name__)

# How much of a client's words an error repeats, as in Redis.
ECHO_BYTES_MAX = 128
# What browsers send first: somebody's web page is talking to the port.
HTTP_WORDS = (b"post", b"host:")


class Dispatcher:
    """Finds and runs commands on this node's own data."""

    def __init__(self, table: CommandTable, store: Store, stats: Statistics, clock: Clock) -> None:
        self.table = table
        self._store = store
        self._stats = stats
        self._clock = clock

    def find(self, args: Args, *, is_authenticated: bool, is_peer: bool) -> Command:
        """Return the entry of a request that may go on.

        Raises:
            CommandError: there is no such command, it wants other arguments, or a password first.
        """
        command = self.table.find(args[0])
        if command is None or (command.internal and not is_peer):
            raise CommandError(_unknown_command(args))
        if command.subcommands and len(args) > 1:
            command = _subcommand(command, args)
        if not command.has_arity(len(args)):
            raise self._reject(command, WrongArityError(command.name))
        if not is_authenticated and not command.is_open:
            raise self._reject(command, CommandError("NOAUTH Authentication required."))
        return command

    def run(self, context: Context, command: Command, args: Args) -> Reply:
        """Run a command here and return its reply, which may be an `ErrorReply`."""
        if command.needs_memory and not self._store.make_room():
            return self.refuse(self._reject(command, OutOfMemoryError()))
        stats = self._stats.command(command.name)
        started_ns = self._clock.now_ns()
        try:
            if context.session.no_touch and command.name != "touch":
                reply = _run_without_touching(context, command, args)
            else:
                reply = command.handler(context, args)
        except CommandError as error:
            stats.failed += 1
            reply = self.refuse(error)
        except Exception:
            logger.exception("%s failed", command.name)
            stats.failed += 1
            reply = self.refuse(InternalError())
        stats.calls += 1
        stats.duration_ns += self._clock.now_ns() - started_ns
        self._stats.commands_processed += 1
        return reply

    def run_encoded(self, context: Context, command: Command, args: Args) -> bytes:
        """Run a command here and return its reply for the protocol of the session."""
        # The handler may change the protocol (HELLO), and its own reply is in the new one.
        reply = self.run(context, command, args)
        return encode(reply, context.session.protocol)

    def refuse(self, error: CommandError) -> ErrorReply:
        """Count an error and return its reply."""
        text = str(error)
        self._stats.count_error(text)
        return ErrorReply(text)

    def _reject(self, command: Command, error: CommandError) -> CommandError:
        self._stats.command(command.name).rejected += 1
        return error


def _run_without_touching(context: Context, command: Command, args: Args) -> Reply:
    """Run a command for a client that said CLIENT NO-TOUCH: it keeps no key from eviction."""
    keys = context.keys
    before = {
        args[position]: keys.access_notes(args[position])
        for position in command.key_positions(args)
    }
    try:
        return command.handler(context, args)
    finally:
        for key, notes in before.items():
            if notes is not None:
                keys.restore_access(key, notes)


def is_http(args: Args) -> bool:
    """Return whether a request is the beginning of one in HTTP."""
    return args[0].lower() in HTTP_WORDS


def _subcommand(container: Command, args: Args) -> Command:
    found = container.subcommands.get(args[1].lower().decode("latin-1"))
    if found is None:
        name = _printable(args[1])
        raise CommandError(f"ERR unknown subcommand '{name}'. Try {container.name.upper()} HELP.")
    return found


def _unknown_command(args: Args) -> str:
    return (
        f"ERR unknown command '{_printable(args[0])}', "
        f"with args beginning with: {_beginning(args[1:])}"
    )


def _beginning(args: Sequence[bytes]) -> str:
    words = ""
    for arg in args:
        if len(words) >= ECHO_BYTES_MAX:
            break
        words += f"'{_printable(arg, ECHO_BYTES_MAX - len(words))}' "
    return words


def _printable(word: bytes, length_max: int = ECHO_BYTES_MAX) -> str:
    return echoed(word[:length_max])
