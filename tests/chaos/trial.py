"""A cluster for one scenario, and what a scenario does to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

import redis
from redis.crc import key_slot

from .network import Host, Network
from .servers import (
    PORT,
    Memnode,
    RedisServer,
    Server,
    StartFailure,
    form_redis_cluster,
    is_copying,
    slots_of,
    slots_short_of_copies,
)
from .workload import COUNTERS, VALUES, Workload

SLOTS = 16384
HEALTHY_TIMEOUT_S = 40.0


@dataclass(frozen=True)
class Options:
    """How the run was asked for."""

    seed: int
    is_full: bool  # as often and as long as the targets say
    is_redis: bool
    flags: str  # what memnode offers

    def replication(self, copies: int) -> list[str]:
        """Return the flags for so many copies, as far as memnode has them."""
        return ["--replicas", str(copies)] if "--replicas" in self.flags else []


class Trial:
    """A running cluster; a context manager that ends it."""

    def __init__(
        self,
        options: Options,
        folder: Path,
        size: int = 5,
        copies: int = 1,
        *,
        isolated: str = "auto",
        mdns: bool = False,
    ) -> None:
        """``isolated``: what nodes that are cut off for long do; see `memnode --help`."""
        self.options = options
        self.random = Random(options.seed)
        self.network = Network()
        self.servers: list[Server] = []
        self._size = 6 if options.is_redis else size
        self._copies = copies
        self._isolated = isolated
        self._folder = folder
        self._mdns = mdns

    def __enter__(self) -> Self:
        self.network.__enter__()
        try:
            for _ in range(self._size):
                self.add_server()
            for server in self.servers:
                server.launch()
            if self.options.is_redis:
                time.sleep(1)  # they say nothing when they are ready
                form_redis_cluster(self.servers)
            self.wait_healthy()
        except BaseException:
            self._end()
            raise
        return self

    def add_server(self) -> Server:
        """Give the network one more machine with a server, which is not started yet."""
        host = self.network.add_host()
        if self.options.is_redis:
            self.servers.append(RedisServer(host, self._folder))
            return self.servers[-1]
        flags = [*self.options.replication(self._copies), "--isolated", self._isolated]
        flags += ["--interface", host.address] if self._mdns else ["--no-mdns"]
        # The first machines know each other, later ones know the first.
        known = range(1, self._size + 1) if host.number <= self._size else range(1, 2)
        for number in known:
            if number != host.number and not self._mdns:
                flags += ["--join", f"10.213.77.{number}:{PORT}"]
        self.servers.append(Memnode(host, self._folder, flags))
        return self.servers[-1]

    def load(self, servers: list[Server] | None = None) -> Workload:
        """Return clients beside these servers, beside all if none are named."""
        workload = Workload(self.options.seed)
        for server in servers or self.servers:
            workload.add_clients(server, VALUES + COUNTERS)
        return workload

    def owned(self, server: Server) -> list[bytes]:
        """Return the keys of the workload that a server has."""
        slots = slots_of(server)
        return [key for key in VALUES + COUNTERS if key_slot(key) in slots]

    def kill(self, server: Server) -> float:
        """Kill a server and return when."""
        now = time.monotonic()
        server.kill()
        return now

    def restart(self, server: Server) -> None:
        """Start a server that has ended, and wait until all is well."""
        server.launch()
        self.wait_healthy()

    @property
    def running(self) -> list[Server]:
        """The servers that run."""
        return [server for server in self.servers if server.is_running]

    def agreement_fault(self) -> str:
        """Return why the running servers are not one cluster, an empty text if they are."""
        owned: set[int] = set()
        count = 0
        for server in self.running:
            try:
                slots = slots_of(server)
                if self.options.is_redis and is_copying(server):
                    return f"{server.host.number} has no copy yet"
                if not self.options.is_redis and (short := slots_short_of_copies(server)):
                    return f"{short} slots of {server.host.number} are short of copies"
            except redis.RedisError as error:
                return f"{server.host.number}: {error}"
            if not slots and not self.options.is_redis:
                return f"{server.host.number} owns nothing"
            owned |= slots
            count += len(slots)
        return "" if count == len(owned) == SLOTS else f"{count} owners of {len(owned)} slots"

    def wait_healthy(self, timeout_s: float = HEALTHY_TIMEOUT_S) -> float:
        """Wait until every slot has one owner; return how many seconds it took.

        Raises:
            StartFailure: it did not come to that.
        """
        return self.wait_for(self.agreement_fault, timeout_s)

    def wait_for(self, fault: Callable[[], str], timeout_s: float) -> float:
        """Wait until a function finds no fault; return how many seconds it took.

        Raises:
            StartFailure: it went on finding some.
        """
        started = time.monotonic()
        while found := fault():
            if time.monotonic() > started + timeout_s:
                logs = "\n".join(server.log()[-400:] for server in self.servers)
                raise StartFailure(f"after {timeout_s:.0f} s still: {found}\n{logs}")
            time.sleep(0.05)
        return time.monotonic() - started

    def cut_off(self, server: Server) -> None:
        """Let a machine hear none, and none hear it."""
        others = [host for host in self.network.hosts if host is not server.host]
        self.network.cut([server.host], others)

    def hosts(self, servers: list[Server]) -> list[Host]:
        """Return the machines of servers."""
        return [server.host for server in servers]

    def _end(self) -> None:
        for server in self.servers:
            server.kill()
        self.network.__exit__(None, None, None)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
