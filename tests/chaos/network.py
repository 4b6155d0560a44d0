"""Machines of a LAN that can be cut apart: network namespaces on a bridge.

Cuts are rules of the kernel's routing that swallow packets from or to an address without a word,
which is what a dead network does, and need no firewall.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from .weather import Line, Weather, open_tap

PREFIX = "mcchaos"
NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def why_impossible() -> str:
    """Return why there can be no namespaces here, an empty text if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need the program ip (iproute2)"
    probe = f"{PREFIX}-{os.getpid()}-probe"
    done = subprocess.run(
        ["ip", "netns", "add", probe], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f"this machine permits no network namespaces: {done.stderr.strip()}"
    ip("netns", "del", probe)
    return ""


def ip(*words: str) -> None:
    """Run ip."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=20)


def enter(namespace: str) -> None:
    """Move the calling thread, and the sockets that it opens from now on, into a namespace."""
    descriptor = os.open(NAMESPACES / namespace, os.O_RDONLY)
    try:
        if _libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(descriptor)


def remove_leftovers() -> None:
    """Remove the namespaces and bridges of runs that were killed."""
    for path in NAMESPACES.glob(f"{PREFIX}-*"):
        process = path.name.split("-")[1]
        if not _is_alive(int(process)):
            ip("netns", "del", path.name)
            if Path(f"/sys/class/net/mcb{process}").exists():
                ip("link", "del", f"mcb{process}")


def _is_alive(process: int) -> bool:
    """Return whether a process runs; one that nobody has buried does not."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Host:
    """One machine."""

    def __init__(self, bridge: str, number: int) -> None:
        self.number = number
        self.address = f"10.213.77.{number}"
        self.namespace = f"{PREFIX}-{os.getpid()}-{number}"
        self._port = f"mcv{os.getpid() % 100_000}x{number}"
        ip("netns", "add", self.namespace)
        ip("link", "add", self._port, "type", "veth", "peer", "name", "eth0",
           "netns", self.namespace)  # fmt: skip
        ip("link", "set", self._port, "master", bridge, "up")
        self.run_ip("link", "set", "lo", "up")
        self._connect()
        # The rule that finds one's own address comes first by default; cuts have to precede it.
        self.run_ip("rule", "add", "pref", "100", "lookup", "local")
        self.run_ip("rule", "del", "pref", "0")
        self._cuts: set[tuple[str, str]] = set()
        self._bridge = bridge
        self._line: Line | None = None

    def _connect(self) -> None:
        self.run_ip("addr", "add", f"{self.address}/24", "dev", "eth0")
        self.run_ip("link", "set", "eth0", "up")
        self.run_ip("route", "add", "224.0.0.0/4", "dev", "eth0")

    def run_ip(self, *words: str) -> None:
        """Run ip within this machine."""
        ip("-n", self.namespace, *words)

    def stop_hearing(self, other: Host) -> None:
        """Swallow what comes from another machine."""
        self._cut("from", other.address)

    def heal(self) -> None:
        """Hear everybody again."""
        for direction, address in self._cuts:
            self.run_ip("rule", "del", "pref", "10", direction, address, "blackhole")
        self._cuts.clear()

    def set_link(self, *, up: bool) -> None:
        """Plug the cable in or out."""
        ip("link", "set", self._port, "up" if up else "down")

    def limit(self, rate: str) -> None:
        """Make what the machine sends slow, say to ``10mbit``."""
        subprocess.run(
            ["tc", "-n", self.namespace, "qdisc", "replace", "dev", "eth0", "root", "tbf",
             "rate", rate, "burst", "32kbit", "latency", "400ms"],
            check=True, capture_output=True, timeout=20,
        )  # fmt: skip

    def worsen(self, weather: Weather, seed: int) -> None:
        """Put a bad line in the place of the machine's cable; connections stay, and suffer."""
        inner, outer = (f"mct{os.getpid() % 100_000}{end}{self.number}" for end in "io")
        taps = (open_tap(inner), open_tap(outer))
        shown = subprocess.run(
            ["ip", "-n", self.namespace, "-o", "link", "show", "dev", "eth0"],
            check=True, capture_output=True, text=True, timeout=20,
        ).stdout  # fmt: skip
        mac = shown.split("link/ether ")[1].split()[0]
        ip("link", "set", outer, "master", self._bridge, "up")
        ip("link", "set", inner, "netns", self.namespace)
        self.run_ip("link", "del", "eth0")
        self.run_ip("link", "set", inner, "name", "eth0", "address", mac)
        self._connect()
        self._line = Line(taps, weather, seed)
        self._line.start()

    def remove(self) -> None:
        """Take the machine away; its addresses answer no more."""
        if self._line is not None:
            self._line.stop()
        subprocess.run(["ip", "netns", "del", self.namespace], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self._port], capture_output=True, check=False)

    def _cut(self, direction: str, address: str) -> None:
        if (direction, address) not in self._cuts:
            self.run_ip("rule", "add", "pref", "10", direction, address, "blackhole")
            self._cuts.add((direction, address))


class Network:
    """Machines on one bridge; a context manager that leaves nothing behind."""

    def __init__(self) -> None:
        self._bridge = f"mcb{os.getpid()}"
        self.hosts: list[Host] = []

    def __enter__(self) -> Self:
        remove_leftovers()
        ip("link", "add", self._bridge, "type", "bridge", "mcast_snooping", "0")
        ip("link", "set", self._bridge, "up")
        return self

    def add_host(self) -> Host:
        """Connect one more machine."""
        host = Host(self._bridge, len(self.hosts) + 1)
        self.hosts.append(host)
        return host

    def cut(self, *groups: list[Host]) -> None:
        """Let nobody hear who is in another group."""
        for group in groups:
            for others in groups:
                if others is not group:
                    for host in group:
                        for other in others:
                            host.stop_hearing(other)

    def heal(self) -> None:
        """Let all hear all again."""
        for host in self.hosts:
            host.heal()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for host in self.hosts:
            host.remove()
        subprocess.run(["ip", "link", "del", self._bridge], capture_output=True, check=False)
