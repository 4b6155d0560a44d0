"""What the core may know of the machine and process it runs on; `memcloud.net` tells the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .pressure import Pressure


@dataclass(frozen=True, slots=True)
class CpuSeconds:
    """Processor time that the process has used, in seconds."""

    user: float
    system: float


class Host(Protocol):
    """Facts about machine and process."""

    process_id: int
    hostname: str
    operating_system: str  # 'Linux 6.1.0 x86_64'
    executable: str
    implementation: str  # 'CPython 3.11.7'
    event_loop: str  # 'uvloop' or 'asyncio'
    memory_total_bytes: int

    def resident_bytes(self) -> int:
        """Return the memory that the process occupies."""
        ...

    def memory_available_bytes(self) -> int:
        """Return what the machine could still give without swapping."""
        ...

    def memory_pressure(self) -> Pressure:
        """Return how short of memory the machine is, and the control group of the process."""
        ...

    def cpu_seconds(self) -> CpuSeconds:
        """Return the processor time used so far."""
        ...

    def client_places(self, wanted: int) -> int:
        """Return how many clients the process can have at a time, up to ``wanted``.

        It asks the system for more than it has, if it has to.
        """
        ...


@dataclass(slots=True)
class FixedHost:
    """A host whose facts are given: for tests and simulations."""

    process_id: int = 1
    hostname: str = "host"
    operating_system: str = "Test 1 x86_64"
    executable: str = "memnode"
    implementation: str = "CPython"
    event_loop: str = "none"
    memory_total_bytes: int = 8 << 30
    resident: int = 50 << 20
    places: int = 1_000_000
    pressure: Pressure | None = None  # None: half of the memory is available

    def resident_bytes(self) -> int:
        """See `Host.resident_bytes`."""
        return self.resident

    def memory_available_bytes(self) -> int:
        """See `Host.memory_available_bytes`."""
        return self.memory_total_bytes // 2

    def memory_pressure(self) -> Pressure:
        """See `Host.memory_pressure`."""
        if self.pressure is not None:
            return self.pressure
        return Pressure(self.memory_available_bytes(), self.memory_total_bytes)

    def cpu_seconds(self) -> CpuSeconds:
        """See `Host.cpu_seconds`."""
        return CpuSeconds(0.0, 0.0)

    def client_places(self, wanted: int) -> int:
        """See `Host.client_places`."""
        return min(wanted, self.places)
