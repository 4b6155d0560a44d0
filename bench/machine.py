"""The machine that the figures depend on."""

from __future__ import annotations

import platform
import shutil

import psutil


def machine() -> str:
    """Return processor, cores, memory, system and interpreter in a line."""
    memory_gib = psutil.virtual_memory().total / (1 << 30)
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.release()}"
    return (
        f"{_processor()}, {psutil.cpu_count()} cores, {memory_gib:.0f} GiB, {system}, {interpreter}"
    )


def on_last_core() -> list[str]:
    """Return words before a command line that keep the process on the last core.

    The load is made there, so that it does not wander over the servers' cores.
    """
    taskset, cores = shutil.which("taskset"), psutil.cpu_count() or 1
    return [taskset, "-c", str(cores - 1)] if taskset and cores > 1 else []


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except FileNotFoundError:
        pass  # not Linux
    return platform.processor() or platform.machine()
