"""Writes and reads a large value without a pause until standard input ends: `streamer PORT MIB`."""

from __future__ import annotations

import json
import select
import socket
import sys
import time

from bench.client import Client


def main() -> None:
    """Run with the words of the command line."""
    port, size_bytes = int(sys.argv[1]), int(sys.argv[2]) << 20
    value, into = memoryview(b"s" * size_bytes), memoryview(bytearray(size_bytes))
    moved_bytes = 0
    with Client(socket.create_connection(("127.0.0.1", port))) as client:
        began = time.perf_counter()
        while not select.select([sys.stdin], [], [], 0)[0]:
            client.set_large(b"stream", value)
            client.get_large(b"stream", into)
            moved_bytes += 2 * size_bytes
        seconds = time.perf_counter() - began
    print(json.dumps({"bytes": moved_bytes, "seconds": seconds}))


if __name__ == "__main__":
    main()
