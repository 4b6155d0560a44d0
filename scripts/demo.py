"""Starts three nodes on this machine that find each other, and shows what they do together.

Usage: python scripts/demo.py [--keep]

The nodes find each other by mDNS on the loopback interface, in a pool of their own, so that they
stay out of one that may be running. ``--keep`` leaves them running until Ctrl-C. All of them are
stopped at the end, whatever happens; the exit code is 1 if anything was not as it should be.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

NAMES = ("oak", "elm", "ash")
STANDARD_PORTS = (6380, 6381, 6382)
PEER_PORT_OFFSET = 10_000
START_SECONDS_MAX = 60.0
"""Generous: a loaded machine may take long to import, and mDNS probes for a second."""
STOP_SECONDS_MAX = 15.0
KEYS = 3000


class DemoError(Exception):
    """Something was not as the tour says."""


class DemoNode:
    """A node that runs as a process of its own."""

    def __init__(self, name: str, port: int, pool: str, folder: Path) -> None:
        self.name = name
        self.port = port
        self._log_path = folder / f"{name}.log"
        program = Path(sys.executable).parent / "memnode"
        command = [str(program), "--name", name, "--port", str(port), "--cluster", pool]
        command += ["--interface", "127.0.0.1", "--memory", "256mb"]
        command += ["--state-dir", str(folder / "state")]
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.client = redis.Redis(port=port, protocol=3, socket_timeout=10, decode_responses=True)

    def answers(self) -> bool:
        """Return whether the node is up; raises DemoError if it has ended."""
        if self._process.poll() is not None:
            raise DemoError(f"{self.name} has ended with exit code {self._process.returncode}")
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def ask(self, *words: str) -> Any:
        """Return the reply to a command."""
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call]

    def peers(self) -> list[dict[str, Any]]:
        """Return what this node knows of the members of its pool, itself first."""
        peers: list[dict[str, Any]] = self.ask("PEERS")
        return peers

    def log(self) -> str:
        """Return what the node has printed."""
        return self._log_path.read_text(errors="replace")

    def stop(self) -> None:
        """End the process, by force if it does not go."""
        self.client.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def is_free(port: int) -> bool:
    """Return whether a node could listen on the port and on its peer port."""
    for number in (port, port + PEER_PORT_OFFSET):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                return False
    return True


def choose_ports() -> list[int]:
    """Return the standard ports, or the next free ones where those are taken."""
    ports: list[int] = []
    for standard in STANDARD_PORTS:
        port = standard
        while port in ports or not is_free(port):
            port += 1
        ports.append(port)
    return ports


def wait_for(what: str, holds: Callable[[], bool]) -> float:
    """Wait until something holds; return the seconds it took. Raises DemoError if it never does."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > START_SECONDS_MAX:
            raise DemoError(f"{what}: not within {START_SECONDS_MAX:.0f} s")
        time.sleep(0.05)
    return time.monotonic() - start


def run(node: DemoNode, *words: str) -> object:
    """Run a command through a node, print both as redis-cli would, and return the reply."""
    reply: object = node.ask(*words)
    text = "OK" if reply is True else "(nil)" if reply is None else str(reply)
    print(f"  $ redis-cli -p {node.port} {shlex.join(words)}\n  {text}")
    return reply


def check(expected: object, reply: object) -> None:
    """Raise DemoError if a reply is not what the tour promises."""
    if reply != expected:
        raise DemoError(f"expected {expected!r}, got {reply!r}")


def show_keys(oak: DemoNode, elm: DemoNode, ash: DemoNode) -> None:
    """Set keys through one node and read them through the others."""
    print("\nA key set through one node is read through both others:")
    check(True, run(oak, "SET", "greeting", "hello from oak"))
    check("hello from oak", run(elm, "GET", "greeting"))
    check("hello from oak", run(ash, "GET", "greeting"))

    print(f"\n{KEYS} keys, set through elm, are spread over all three:")
    with elm.client.pipeline(transaction=False) as pipeline:
        for number in range(KEYS):
            pipeline.set(f"user:{number}", number)
        pipeline.execute()
    check(KEYS + 1, run(ash, "DBSIZE"))
    for node in (oak, elm, ash):
        own = node.peers()[0]
        print(f"  {node.name} owns {own['slots']} of 16384 slots and holds {own['keys']} keys")


def show_blocks(oak: DemoNode, elm: DemoNode, ash: DemoNode) -> None:
    """Store blocks and load them elsewhere."""
    print("\nA block has no name but the number that the pool gives it:")
    block = run(oak, "STORE", "some bytes that somebody will ask for")
    check("some bytes that somebody will ask for", run(ash, "LOAD", str(block)))
    block = run(oak, "STORE", "kept by elm, as asked", "PEER", "elm")
    check("kept by elm, as asked", run(ash, "LOAD", str(block)))
    check(1, run(elm, "FREE", str(block)))
    check(None, run(ash, "LOAD", str(block)))


def show_peers(oak: DemoNode) -> None:
    """Show whom a node sees."""
    print("\nWhom oak sees (memcli peers shows the same):")
    for peer in oak.peers():
        print(f"  {peer['name']:4} {peer['address']:16} {peer['state']:5} {peer['slots']} slots")


def tour(nodes: list[DemoNode]) -> None:
    """Wait for the nodes, then show each thing that they do."""
    seconds = wait_for("nodes start", lambda: all(node.answers() for node in nodes))
    print(f"Three nodes answer after {seconds:.1f} s:")
    for node in nodes:
        print(f"  {node.name} on port {node.port}")
    everyone = len(nodes)
    seconds = wait_for(
        "nodes find each other", lambda: all(len(node.peers()) == everyone for node in nodes)
    )
    print(f"They found each other by mDNS {seconds:.1f} s later; nobody told them of one another.")
    show_keys(*nodes)
    show_blocks(*nodes)
    show_peers(nodes[0])


def main(flags: list[str]) -> int:
    """Start the nodes, give the tour, stop the nodes; return the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `finally` runs
    nodes: list[DemoNode] = []
    with tempfile.TemporaryDirectory(prefix="memcloud-demo-") as folder:
        try:
            for name, port in zip(NAMES, choose_ports(), strict=True):
                nodes.append(DemoNode(name, port, f"demo-{os.getpid()}", Path(folder)))
            tour(nodes)
            if "--keep" in flags:
                print("\nThe nodes go on running until Ctrl-C.", flush=True)
                signal.pause()
        except (DemoError, redis.RedisError) as error:
            print(f"\nThe demo failed: {error}", file=sys.stderr)
            for node in nodes:
                print(f"--- {node.name} printed:\n{node.log()}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        finally:
            for node in nodes:
                node.stop()
    print("\nAll three nodes are stopped. Start your own: make run")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
