"""What the kernel's files say about memory, and a running node that listens to it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from memcloud.host import FixedHost
from memcloud.net import runner as runner_module
from memcloud.net.allocator import return_memory
from memcloud.net.control_groups import Group, find_groups
from memcloud.net.memory_pressure import MemoryGauge
from memcloud.net.runner import Runner
from memcloud.pressure import Pressure
from memcloud.settings import Settings
from memcloud.store import Policy
from tests.ports import PEER_PORT_OFFSET, free_port

MIB = 1 << 20


def write(folder: Path, **files: str) -> None:
    """Write files into a new folder."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc of a machine with 1000 MiB, 300 of them available."""
    folder = tmp_path / "proc"
    write(
        folder, meminfo=f"MemTotal: {1000 << 10} kB\nMemFree: 5 kB\nMemAvailable: {300 << 10} kB\n"
    )
    write(folder / "pressure", memory="some avg10=12.50 avg60=0.00 avg300=0.00 total=9\nfull ...\n")
    return folder


def test_the_machine_is_read_from_the_kernels_files(proc: Path) -> None:
    """MemAvailable is what could be given without swapping; MemFree is not."""
    assert MemoryGauge(proc, []).read() == Pressure(300 * MIB, 1000 * MIB, 12.5)


def test_where_there_are_no_such_files_psutil_knows(tmp_path: Path) -> None:
    """On macOS there is no /proc and no measure of stalls."""
    facts = MemoryGauge(tmp_path, []).read()
    assert facts.total_bytes == psutil.virtual_memory().total
    assert facts.stalled_percent is None
    assert facts.group_limit_bytes is None


@pytest.mark.parametrize("text", ["", "some\n", "some avg10=much\n", "full avg10=1.00\n"])
def test_a_file_that_makes_no_sense_is_an_unknown_fact(proc: Path, text: str) -> None:
    """A kernel may write something new one day; the node has to go on."""
    (proc / "pressure/memory").write_text(text)
    assert MemoryGauge(proc, []).read().stalled_percent is None


def test_the_group_with_the_least_left_counts(proc: Path, tmp_path: Path) -> None:
    """Any group around the process may run into its limit; cached files are not in its way."""
    root = tmp_path / "root"
    write(
        root / "outer",
        memory__max=f"{500 * MIB}\n",
        memory__current=f"{490 * MIB}\n",
        memory__stat=f"anon 5\ninactive_file {20 * MIB}\n",
    )
    write(root / "outer/inner", memory__max=f"{200 * MIB}\n", memory__current=f"{100 * MIB}\n")
    write(root / "outer/inner/own", memory__max="max\n", memory__current="5\n")
    (tmp_path / "cgroup").write_text("0::/outer/inner/own\n")
    groups = find_groups(tmp_path / "cgroup", root)
    facts = MemoryGauge(proc, groups).read()
    assert (facts.group_limit_bytes, facts.group_used_bytes) == (500 * MIB, 470 * MIB)


def test_groups_of_version_1_count_too(proc: Path, tmp_path: Path) -> None:
    """There 'no limit' is a number near 2**63, which is more than the machine has."""
    root = tmp_path / "root"
    write(root / "memory", memory__limit_in_bytes=f"{2**63 - 4096}\n", memory__usage_in_bytes="7\n")
    write(
        root / "memory/own",
        memory__limit_in_bytes=f"{100 * MIB}\n",
        memory__usage_in_bytes=f"{50 * MIB}\n",
        memory__stat=f"inactive_file 1\ntotal_inactive_file {10 * MIB}\n",
    )
    (tmp_path / "cgroup").write_text("5:cpu:/own\n4:memory,hugetlb:/own\n0::/\n")
    groups = find_groups(tmp_path / "cgroup", root)
    facts = MemoryGauge(proc, groups).read()
    assert (facts.group_limit_bytes, facts.group_used_bytes) == (100 * MIB, 40 * MIB)


def test_a_group_that_goes_away_is_passed_over(proc: Path, tmp_path: Path) -> None:
    """A process may be moved while it runs."""
    gone = Group(tmp_path / "gone", "memory.max", "memory.current", "inactive_file")
    assert MemoryGauge(proc, [gone]).read().group_limit_bytes is None


def test_memory_can_be_returned_at_any_time() -> None:
    """With a C library that cannot, nothing happens; with glibc nothing breaks."""
    return_memory()
    assert return_memory() in (True, False)


def test_a_running_node_gives_back_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the facts about the host to evicted keys and returned pages, over real sockets."""
    returned: list[bool] = []
    monkeypatch.setattr(runner_module, "return_memory", lambda: returned.append(return_memory()))
    host, port = FixedHost(), free_port()
    settings = Settings(
        name="node",
        port=port,
        peer_port=port + PEER_PORT_OFFSET,
        memory_bytes=64 * MIB,
        policy=Policy.ALLKEYS_LRU,
        mdns=False,
    )

    async def work() -> None:
        running = asyncio.create_task(Runner(settings, host).run())
        async with Redis(port=port) as client:
            await wait_until(lambda: answers(client))
            for number in range(500):
                await client.set(f"key:{number}", b"x" * 65536)
            host.pressure = Pressure(0, 80 * MIB)  # 8 MiB are missing

            async def has_given() -> bool:
                facts = await client.info("memory")
                return int(facts["memcloud_given_back"]) >= 8 * MIB and bool(returned)

            await wait_until(has_given)
            assert await client.dbsize() < 500
            assert await client.set("new", "value")
            facts = await client.info("memory")
            assert facts["memcloud_pressure"] == "pressed"
            assert facts["memcloud_effective_limit"] < facts["maxmemory"] == 64 * MIB
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    try:
        asyncio.run(work())
    finally:
        gc.unfreeze()  # a node that is ready freezes what is there


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds, for a minute at most."""
    async with asyncio.timeout(60):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)


async def answers(client: Redis) -> bool:
    """Return whether the node takes connections."""
    try:
        return bool(await client.ping())
    except RedisConnectionError:
        return False
