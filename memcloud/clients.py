"""The clients of a node: their sessions, whose turn it is, and what they get to read.

A session runs its commands in turns of bounded length, so that a giant pipeline does not delay
the neighbours. It stalls, and its socket is not read, while its client does not take its replies,
while too many of its commands wait for other members, or while CLIENT PAUSE holds one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from memcloud.commands.context import Context
from memcloud.commands.table import Command
from memcloud.link.batch import split_tag
from memcloud.resp import ErrorReply, Parser, ProtocolError, encode

from .deadlines import RequestDeadlines
from .dispatch import is_http
from .effects import CloseClient, ResumeReading, ToClient
from .errors import CommandError
from .fast import MORE, OTHER_COMMAND, Call
from .pending import PendingCommand
from .replies import Waiting
from .routing import HERE
from .seldom import SELDOM
from .session import ReplyMode, Session

if TYPE_CHECKING:
    from .node import Node

logger = logging.getLogger(__name__)

# What one client may do before its neighbours have their turn.
TURN_COMMANDS = 256
TURN_BYTES = 1 << 20
# Replies of this size go to the transport as they are, not joined with others by a copy.
LARGE_REPLY_BYTES = 64 * 1024
# What a client that wants TLS sends first. As RESP it is no command, but one whose end never comes.
TLS_HANDSHAKE = b"\x16\x03"
# These are how a pause is ended or looked at.
NEVER_HELD = ("client|unpause", "client|pause", "client|kill", "client|list")


class Clients:
    """All sessions of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.sessions: dict[int, Session] = {}
        self._contexts: dict[int, Context] = {}
        # Sessions with input left after their turn, in the order of their next one.
        self._runnable: dict[int, None] = {}
        # Sessions with output that has not been sent, because more of it may come in this event.
        self._answered: dict[int, Session] = {}
        self._deadlines = RequestDeadlines()
        self._pause_until_ms = 0
        self._pauses_only_writes = False

    @property
    def has_work(self) -> bool:
        """Whether sessions wait for their next turn; see `run_turn`."""
        return bool(self._runnable)

    def context_of(self, session: Session) -> Context | None:
        """Return the context in which a session's commands run, None if it has ended."""
        return self._contexts.get(session.id)

    def opened(
        self,
        identifier: int,
        *,
        address: str,
        local_address: str,
        is_unix: bool = False,
        file_descriptor: int = -1,
    ) -> Session | None:
        """Take a new connection in; None, and an error for the client, if there are too many."""
        node = self._node
        node.stats.connections_received += 1
        if len(self.sessions) >= node.parameters.maxclients:
            node.stats.connections_rejected += 1
            node.emit(ToClient(identifier, b"-ERR max number of clients reached\r\n"))
            node.emit(CloseClient(identifier))
            return None
        now_ms = node.clock.now_ms()
        session = Session(
            identifier,
            now_ms,
            address=address,
            local_address=local_address,
            is_unix=is_unix,
            file_descriptor=file_descriptor,
            is_authenticated=not node.parameters.requirepass,
        )
        if node.engine is not None:
            session.fast = node.engine.open(identifier, session.parser, session.replies)
            session.traffic = session.fast
        session.traffic.last_active_ms = now_ms
        session.refresh()
        session.parser.limits = node.parameters.parser_limits(session.is_authenticated)
        self.sessions[identifier] = session
        self._contexts[identifier] = Context(node, session)
        return session

    def received(self, identifier: int, data: bytes | memoryview) -> None:
        """Take bytes that a client sent and run the commands in them."""
        session = self.sessions.get(identifier)
        if session is None or session.is_closing:
            return
        if not session.traffic.bytes_received and bytes(data[:2]) == TLS_HANDSHAKE:
            logger.warning("a TLS client talks to the client port; closed", extra=SELDOM)
            self.close(session)
            return
        session.traffic.bytes_received += len(data)
        self._node.stats.bytes_received += len(data)
        session.parser.feed(data)
        if not session.is_stalled:
            self._run(session)

    def go_on(self, identifier: int, replies: list[bytes], *, is_turn_over: bool) -> None:
        """Go on where hot commands have ended, which have had these replies."""
        session = self.sessions.get(identifier)
        if session is None or session.is_closing:
            return
        session.replies.output += replies
        if is_turn_over:
            self._runnable[identifier] = None
            self._send_output(session)
        elif session.is_stalled:
            self._send_output(session)
        else:
            self._run(session)

    def closed(self, identifier: int) -> None:
        """Forget a client whose connection has ended."""
        self.sessions.pop(identifier, None)
        self._contexts.pop(identifier, None)
        if self._node.engine is not None:
            self._node.engine.close(identifier)

    def paused(self, identifier: int) -> None:
        """The client does not read its replies: run nothing more for it until it does."""
        if (session := self.sessions.get(identifier)) is not None:
            session.is_output_paused = True
            session.refresh()

    def resumed(self, identifier: int) -> None:
        """The client reads again."""
        if (session := self.sessions.get(identifier)) is not None:
            session.is_output_paused = False
            self._unstall(session)

    def is_runnable(self, session: Session) -> bool:
        """Return whether the session has input left for another turn."""
        return session.id in self._runnable

    def run_turn(self) -> None:
        """Give each session that has input left one more turn."""
        runnable, self._runnable = self._runnable, {}
        for identifier in runnable:
            session = self.sessions.get(identifier)
            if session is None or session.is_stalled:
                continue
            self._run(session)
            if session.id not in self._runnable and not session.is_stalled:
                self._node.emit(ResumeReading(session.id))

    def close(self, session: Session) -> None:
        """End a connection after the replies that are ready."""
        session.is_closing = True
        session.replies.forget_waiting()
        self._send_output(session)

    def completed(self, session: Session, place: Waiting, reply: bytes) -> None:
        """A command of the session that had to wait has its reply."""
        was_stalled = session.is_stalled
        session.replies.deliver(place, reply)
        self._answered[session.id] = session
        if was_stalled and not session.is_stalled:
            self._unstall(session)

    def send_answers(self, can_write: bool) -> None:
        """Send what `completed` has made ready: one write for all replies of an event."""
        engine = self._node.engine
        if engine is not None:
            self.go_on_after(engine.send_answers(can_write))
        answered, self._answered = self._answered, {}
        for session in answered.values():
            self._send_output(session)

    def go_on_after(self, left: dict[int, bool]) -> None:
        """Go on with sessions that had answers and have more to do; see `Engine.send_answers`."""
        for number, had_no_room in left.items():
            session = self.sessions.get(number)
            if session is None:
                continue
            self._answered[number] = session
            if had_no_room and not session.is_stalled:
                self._unstall(session)

    def lost(self, call: Call, was_run: bool) -> None:
        """A call that a native session made has no outcome: go on with it as with any other."""
        session = self.sessions.get(call.session)
        if session is None or call.place is None:
            self._node.tags.release(call.counter)
            return
        parser = Parser()
        parser.feed(split_tag(call.word, call.request)[1])
        args = parser.take()
        assert args is not None, "native sessions forward whole commands"
        command = self._node.dispatcher.find(args, is_authenticated=True, is_peer=False)
        pending = PendingCommand(self._node, session, command, args, call.place)
        pending.run_as(call)
        pending.lost(was_run)

    def pause_all(self, until_ms: int, writes_only: bool) -> None:
        """Hold the commands of all clients (CLIENT PAUSE) until a moment of the node's clock."""
        self._pause_until_ms = max(until_ms, self._pause_until_ms)
        self._pauses_only_writes = writes_only
        self._tell_engine()

    def unpause_all(self) -> None:
        """Let held commands run."""
        self._pause_until_ms = 0
        self._tell_engine()
        for session in list(self.sessions.values()):
            if session.held_command is not None:
                self._unstall(session)

    def tick(self, now_ms: int) -> None:
        """End the pause and close idle connections when it is time."""
        if self._pause_until_ms and now_ms >= self._pause_until_ms:
            self.unpause_all()
        for session in self._deadlines.overdue(self.sessions.values(), now_ms):
            logger.info("%s did not end its request", session.address, extra=SELDOM)
            self.close(session)
        timeout_ms = self._node.parameters.timeout_s * 1000
        if not timeout_ms:
            return
        for session in list(self.sessions.values()):
            if now_ms - session.traffic.last_active_ms > timeout_ms and not session.replies.waiting:
                self.close(session)

    def _run(self, session: Session) -> None:
        """Run what the session has sent, up to the length of a turn."""
        context = self._contexts[session.id]
        context.now_ms = session.traffic.last_active_ms = self._node.clock.now_ms()
        if self._run_commands(session, context) and not session.is_stalled:
            self._runnable[session.id] = None
        self._send_output(session)

    def _run_commands(self, session: Session, context: Context) -> bool:
        """Run the commands of one turn; return whether there may be more."""
        size_bytes = 0
        for _ in range(TURN_COMMANDS):
            if session.is_closing or session.is_stalled or size_bytes > TURN_BYTES:
                break
            if session.fast is not None and session.is_plain and not self._pause_until_ms:
                session.refresh()
                outcome, replies = session.fast.run()
                if replies:
                    session.replies.output += replies
                    size_bytes += sum(map(len, replies))
                if outcome != OTHER_COMMAND:
                    return outcome == MORE
                if session.is_stalled:  # by what was forwarded, perhaps
                    break
            try:
                args = session.parser.take()
            except ProtocolError as error:
                self._protocol_error(session, error)
                break
            if args is None:
                return False
            self._execute(session, context, args)
            if session.replies.output:
                size_bytes += len(session.replies.output[-1])
        return not session.is_closing

    def _execute(self, session: Session, context: Context, args: list[bytes]) -> None:
        node = self._node
        is_skipped, session.skip_next = session.skip_next, False
        is_silent = is_skipped or session.reply_mode is ReplyMode.OFF
        try:
            command = node.dispatcher.find(
                args, is_authenticated=session.is_authenticated, is_peer=False
            )
            if self._pause_until_ms and self._is_held(command):
                session.held_command, session.skip_next = args, is_skipped
                return
            session.traffic.last_command = command.name
            destination = node.router.destination(command, args)
        except CommandError as error:
            if is_http(args):
                logger.warning("a web page or proxy talks to the client port; closed", extra=SELDOM)
                self.close(session)
                return
            data = encode(node.dispatcher.refuse(error), session.protocol)
        else:
            session.traffic.commands_processed += 1
            if destination != HERE:
                place = session.replies.hold_place(sum(map(len, args)), is_silent=is_silent)
                pending = PendingCommand(node, session, command, args, place)
                pending.start_at(destination)
                return
            was_authenticated = session.is_authenticated
            data = node.dispatcher.run_encoded(context, command, args)
            if session.is_authenticated != was_authenticated:
                session.parser.limits = node.parameters.parser_limits(session.is_authenticated)
            if command.name == "client|reply" and session.reply_mode is ReplyMode.ON:
                is_silent = False  # CLIENT REPLY ON answers that it was heard
        # CLIENT REPLY OFF and SKIP silence their own replies too.
        if not is_silent and not session.skip_next and session.reply_mode is ReplyMode.ON:
            session.replies.answer(data)

    def _tell_engine(self) -> None:
        if self._node.engine is not None:
            self._node.engine.is_paused = bool(self._pause_until_ms)

    def _is_held(self, command: Command) -> bool:
        if self._pauses_only_writes:
            return command.is_write
        return command.name not in NEVER_HELD

    def _protocol_error(self, session: Session, error: ProtocolError) -> None:
        self._node.stats.protocol_errors += 1
        # The text repeats bytes of the client, which may be no UTF-8; a log has to be.
        logger.info("%s broke the protocol: %a", session.address, str(error), extra=SELDOM)
        session.replies.answer(encode(ErrorReply(f"ERR {error}"), session.protocol))
        session.is_closing = True

    def _unstall(self, session: Session) -> None:
        """Go on with a session that had to wait, with the command it was held at first."""
        held, session.held_command = session.held_command, None
        if held is not None and not session.is_closing:
            context = self._contexts[session.id]
            context.now_ms = self._node.clock.now_ms()
            self._execute(session, context, held)
        if not session.is_stalled:
            self._runnable[session.id] = None
        self._send_output(session)

    def _send_output(self, session: Session) -> None:
        session.refresh()
        if session.replies.output:
            self._emit_output(session)
        if session.is_closing and not session.replies.waiting and session.id in self.sessions:
            self._node.emit(CloseClient(session.id))
            self.closed(session.id)

    def _emit_output(self, session: Session) -> None:
        small: list[bytes] = []
        size_bytes = 0
        for data in session.replies.output:
            size_bytes += len(data)
            if len(data) < LARGE_REPLY_BYTES:
                small.append(data)
                continue
            if small:
                self._node.emit(ToClient(session.id, b"".join(small)))
                small = []
            self._node.emit(ToClient(session.id, data))
        if small:
            self._node.emit(ToClient(session.id, b"".join(small)))
        session.replies.output.clear()
        session.traffic.bytes_sent += size_bytes
        self._node.stats.bytes_sent += size_bytes
