"""Several memnodes that make one cluster."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from .errors import BenchError
from .ports import PEER_PORT_OFFSET
from .programs import memnode
from .servers import Server, running

AGREE_SECONDS_MAX = 30.0
LEFT = ("slots_to_move", "slots_short_of_copies")


@contextmanager
def pool(memories: Sequence[str], *options: str) -> Iterator[list[Server]]:
    """Start a node for each size of memory; go on once all slots are where they belong."""
    cluster = f"bench-{uuid.uuid4().hex[:12]}"
    with ExitStack() as stack:
        nodes: list[Server] = []
        for memory in memories:
            words = ["--cluster", cluster, "--memory", memory, *options]
            words += [f"--join=127.0.0.1:{node.port}" for node in nodes]
            nodes.append(stack.enter_context(running(memnode(), *words)))
        _wait_until_agreed(nodes)
        yield nodes


def slots_owned(node: Server) -> int:
    """Return how many of the 16384 slots are the node's own."""
    return int(node.info()["slots_owned"])


def owner_of(node: Server, key: bytes, nodes: Sequence[Server]) -> Server:
    """Return which of the nodes has a key, as a node of the pool sees it."""
    with node.client() as client:
        slot = client.ask("CLUSTER", "KEYSLOT", key)
        lines = client.ask("CLUSTER", "NODES")
    assert isinstance(lines, bytes)
    assert isinstance(slot, int)
    for line in lines.decode().splitlines():
        address, slots = line.split()[1], line.split()[8:]
        if any(_holds(run, slot) for run in slots):
            peer_port = int(address.partition("@")[2].partition(",")[0])
            return next(each for each in nodes if each.port + PEER_PORT_OFFSET == peer_port)
    raise BenchError(f"nobody owns slot {slot}")


def _holds(run: str, slot: int) -> bool:
    first, _, last = run.partition("-")
    return int(first) <= slot <= int(last or first)


def _wait_until_agreed(nodes: Sequence[Server]) -> None:
    deadline = time.monotonic() + AGREE_SECONDS_MAX
    while True:
        infos = [node.info() for node in nodes]
        seen = [info["members"] for info in infos] == [str(len(nodes))] * len(nodes)
        is_whole = sum(int(info["slots_owned"]) for info in infos) == 16384
        left = [int(info[name]) for info in infos for name in LEFT]
        if seen and is_whole and not any(left):
            return
        if time.monotonic() > deadline:
            raise BenchError("the nodes of the pool do not find each other")
        time.sleep(0.1)
