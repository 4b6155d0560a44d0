"""The facts about this machine and process, from psutil."""

from __future__ import annotations

import platform
import socket
import sys

import psutil

from memcloud.host import CpuSeconds
from memcloud.pressure import Pressure

from .descriptors import client_places
from .memory_pressure import MemoryGauge


class SystemHost:
    """See `memcloud.host.Host`."""

    def __init__(self, event_loop: str) -> None:
        self._gauge = MemoryGauge()
        self._process = psutil.Process()
        self.process_id = self._process.pid
        self.hostname = socket.gethostname()
        self.operating_system = f"{platform.system()} {platform.release()} {platform.machine()}"
        self.executable = sys.executable
        self.implementation = f"{platform.python_implementation()} {platform.python_version()}"
        self.event_loop = event_loop
        self.memory_total_bytes = psutil.virtual_memory().total

    def resident_bytes(self) -> int:
        """See `memcloud.host.Host.resident_bytes`."""
        return int(self._process.memory_info().rss)

    def memory_available_bytes(self) -> int:
        """See `memcloud.host.Host.memory_available_bytes`."""
        return int(psutil.virtual_memory().available)

    def memory_pressure(self) -> Pressure:
        """See `memcloud.host.Host.memory_pressure`."""
        return self._gauge.read()

    def cpu_seconds(self) -> CpuSeconds:
        """See `memcloud.host.Host.cpu_seconds`."""
        times = self._process.cpu_times()
        return CpuSeconds(times.user, times.system)

    def client_places(self, wanted: int) -> int:
        """See `memcloud.host.Host.client_places`."""
        return client_places(wanted)
