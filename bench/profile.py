"""Where a node's time goes under one kind of load: a flame graph and the top of it.

`python -m bench.profile get-p16`, or `make profile WORKLOAD=get-p16`. The stacks are taken by perf
where it works (Linux, with the permission). It sees native functions and the kernel, and only time
on a processor; Python functions are `_PyEval_EvalFrameDefault` to it. Else, and by `--by py-spy`,
they are taken by py-spy, which names Python functions. But it looks whenever its clock says, also
while the process waits for a processor, and stops it for that: a node that is busy in native code
seems to spend most of its time in the calls of the system. The output says which one it was.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .errors import BenchError
from .flamegraph import folded, svg, top, tree
from .helpers import helping
from .load import KEY, KEYS, VALUE, progress
from .machine import on_last_core
from .pool import pool
from .programs import ROOT, memnode
from .servers import Server, dying_with_us, running

FOLDER = ROOT / "build/profile"
SAMPLES_PER_SECOND = 500
TOP = 20
_ENOUGH = str(10**9)  # operations: redis-benchmark is ended when the profile is taken

Stacks = Counter[tuple[str, ...]]
COMMANDS = {
    "set": ("SET", KEY, VALUE),
    "get": ("GET", KEY),
    "incr": ("INCR", "counter:__rand_int__"),
    "mget": ("MGET", *(KEY,) * 10),
}
PIPELINES = (1, 16, 100)
STREAM = "stream"
FORWARDED = "forwarded-"
GATEWAY, OWNER = "-gateway", "-owner"


def workloads() -> list[str]:
    """Return the names of all workloads."""
    simple = [f"{name}-p{pipeline}" for name in COMMANDS for pipeline in PIPELINES]
    forwarded = [
        f"{FORWARDED}{name}-p{pipeline}{side}"
        for name in ("set", "get")
        for pipeline in (1, 16)
        for side in (GATEWAY, OWNER)
    ]
    return [*simple, STREAM, *forwarded]


@contextmanager
def working(workload: str) -> Iterator[Server]:
    """Start what a workload needs and put load on it; give the node that is to be looked at."""
    with ExitStack() as stack:
        if workload == STREAM:
            node = stack.enter_context(running(memnode()))
            stack.enter_context(helping("streamer", node.port, 64))
        elif workload.startswith(FORWARDED):
            nodes = stack.enter_context(pool(["2gb", "2gb", "16mb"]))
            node = nodes[-1] if workload.endswith(GATEWAY) else nodes[0]
            name = workload.removeprefix(FORWARDED).removesuffix(GATEWAY).removesuffix(OWNER)
            stack.enter_context(_load(nodes[-1], name))
        else:
            node = stack.enter_context(running(memnode()))
            stack.enter_context(_load(node, workload))
        yield node


@contextmanager
def _load(server: Server, name: str) -> Iterator[None]:
    """Let redis-benchmark send a command until the context ends."""
    command, _, pipeline = name.rpartition("-p")
    program = shutil.which("redis-benchmark")
    if program is None:
        raise BenchError("redis-benchmark is not installed: run scripts/install-test-tools.sh")
    with server.client() as client:
        client.fill(range(KEYS), VALUE.encode())
    words = [*dying_with_us(), *on_last_core(), program, "-p", str(server.port), "-n", _ENOUGH]
    words += ["-P", pipeline, "-r", str(KEYS), "-q", *COMMANDS[command]]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with process:
        try:
            yield
        finally:
            process.kill()


def by_py_spy(server: Server, seconds: int, folder: Path) -> Stacks:
    """Take stacks with py-spy. Raises BenchError if it cannot."""
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or "py-spy"
    output = folder / "stacks"
    command = [program, "record", "--native", "--pid", str(server.pid), "--format", "raw"]
    command += ["--duration", str(seconds), "--rate", str(SAMPLES_PER_SECOND)]
    _run([*command, "--output", str(output)], seconds)
    return folded(output.read_text().splitlines())


def by_perf(server: Server, seconds: int, folder: Path) -> Stacks:
    """Take stacks with perf. Raises BenchError if it cannot."""
    output = folder / "perf.data"
    command = ["perf", "record", "--freq", str(SAMPLES_PER_SECOND), "--call-graph", "dwarf,16384"]
    command += ["--output", str(output), "--pid", str(server.pid), "--", "sleep", str(seconds)]
    _run(command, seconds)
    printed = _run(["perf", "script", "--input", str(output), "--fields", "ip,sym,event"], 300)
    return stacks_of_perf(printed)


def stacks_of_perf(printed: str) -> Stacks:
    """Return the stacks that `perf script` prints: a function in a line, innermost first."""
    stacks: Stacks = Counter()
    for sample in printed.split("\n\n"):
        # The head of a sample is not indented by a tab; an address without a name has one word.
        lines = [line.split(maxsplit=1) for line in sample.splitlines() if line.startswith("\t")]
        names = [words[-1] for words in lines]
        if names:
            stacks[tuple(reversed(names))] += 1
    return stacks


def _run(command: list[str], seconds: int) -> str:
    """Run a program and return what it prints. Raises BenchError if it fails or is not there."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds + 120, check=True
        )
    except FileNotFoundError:
        raise BenchError(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise BenchError(f"{command[0]} does not end") from None
    except subprocess.CalledProcessError as error:
        raise BenchError(f"{command[0]} failed: {error.stderr.strip()[-300:]}") from None
    return done.stdout


def taken(server: Server, seconds: int, samplers: list[str]) -> tuple[str, Stacks]:
    """Return the stacks, and by which sampler: the first that works."""
    known: dict[str, Callable[[Server, int, Path], Stacks]] = {"py-spy": by_py_spy, "perf": by_perf}
    reasons = []
    for name in samplers:
        with tempfile.TemporaryDirectory(prefix="memcloud-profile-") as folder:
            try:
                stacks = known[name](server, seconds, Path(folder))
            except BenchError as error:
                reasons.append(str(error))
                continue
        if stacks:
            return name, stacks
        reasons.append(f"{name} saw nothing")
    raise BenchError("; ".join(reasons))


def main() -> int:
    """Take a profile, keep it under build/profile, print the top of it; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("workload", nargs="?", default="get-p16", choices=workloads())
    parser.add_argument("--list", action="store_true", help="name the workloads and end")
    parser.add_argument("--seconds", type=int, default=8, help="how long to look (%(default)s)")
    parser.add_argument("--by", choices=["perf", "py-spy"], help="the sampler; else what works")
    given = parser.parse_args()
    if given.list:
        print("\n".join(workloads()))
        return 0
    try:
        with working(given.workload) as server:
            progress(f"profile of {given.workload}, {given.seconds} s")
            samplers = [given.by] if given.by else ["perf", "py-spy"]
            by, stacks = taken(server, given.seconds, samplers)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    picture = FOLDER / f"{given.workload}.svg"
    picture.write_text(svg(tree(stacks), f"memnode under {given.workload}, taken by {by}"))
    lines = [f"{stacks.total()} samples taken by {by}; the flame graph is {picture}", ""]
    lines.append(f"{'own':>6} {'whole':>6}  function")
    lines += [f"{own:6.1%} {whole:6.1%}  {name}" for name, own, whole in top(stacks, TOP)]
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
