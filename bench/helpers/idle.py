"""Opens connections, says PING on each, and keeps them until standard input ends.

`idle PORT COUNT` prints "ready" when all of them have been answered. They end by a reset, so that
thousands of ports do not linger in TIME_WAIT.
"""

from __future__ import annotations

import json
import resource
import socket
import struct
import sys

_PING = b"*1\r\n$4\r\nPING\r\n"
_PONG = b"+PONG\r\n"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_SPARE_FILES = 100


def main() -> None:
    """Run with the words of the command line."""
    port, count = int(sys.argv[1]), int(sys.argv[2])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + _SPARE_FILES), hard))
    connections = [_opened(port) for _ in range(count)]
    print("ready", flush=True)
    sys.stdin.read()
    for connection in connections:
        connection.close()
    print(json.dumps(len(connections)))


def _opened(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    connection.sendall(_PING)
    if (reply := connection.recv(100)) != _PONG:
        sys.exit(f"PING was answered with {reply!r}")
    return connection


if __name__ == "__main__":
    main()
