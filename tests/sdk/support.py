"""A node that says what a test tells it to, for what a real node cannot be made to say."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

from memcloud.resp import Parser

ANSWERS: dict[bytes, bytes] = {
    b"CLIENT": b"+OK\r\n",
    b"PING": b"+PONG\r\n",
}


class FakeNode:
    """Answers each command by its name, in RESP2, and notes what it was sent.

    Use it as a context manager; ``answers`` maps upper-case names to bytes of the reply. Names
    that it does not know, HELLO among them, get an error, which makes clients speak RESP2.
    """

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = ANSWERS | answers
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.commands: list[list[bytes]] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A shutdown wakes the thread that waits in accept; close alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        parser = Parser()
        try:
            while data := connection.recv(65536):
                parser.feed(data)
                while (command := parser.take()) is not None:
                    self.commands.append(command)
                    unknown = b"-ERR unknown command\r\n"
                    connection.sendall(self._answers.get(command[0].upper(), unknown))
        except OSError:
            return
