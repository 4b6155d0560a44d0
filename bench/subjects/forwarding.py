"""Keys that another node owns: our gateway and owners, beside nutcracker and redis-servers.

The gateway lends so little memory that it owns next to no slots. So random keys, which is what
redis-benchmark can make, are nearly all somebody else's, spread over the owners as they would be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from ..load import CLIENTS, KEY, KEYS, VALUE, Sample, Target, Work, progress
from ..load import measure as measure_load
from ..pool import pool, slots_owned
from ..programs import memnode, nutcracker, redis_server
from ..report import Section, ratio
from ..servers import Server, running
from .options import Options

OWNERS = 3
COMMANDS = {"SET": ("SET", KEY, VALUE), "GET": ("GET", KEY)}
PIPELINES = (1, 16)
TIMES_LOCAL_MAX = 2.2
SHARE_OF_LOCAL_MIN = 0.5
_FORWARDED = "memnode, through a gateway"
_LOCAL = "memnode, own keys"


def measure(section: Section, options: Options) -> None:
    """Measure keys behind a gateway, behind the proxy, and a node's own, in turns."""
    with _servers(section) as targets:
        proxy = targets[-1].title if len(targets) == 3 else None
        head = ["command", "pipeline", "servers", "operations/s", "p50 ms", "p99 ms"]
        rows = section.table([*head, "CPU µs/operation, all processes", "CPU ratio"], texts=3)
        for command, words in COMMANDS.items():
            for pipeline in PIPELINES:
                progress(f"{command} of keys owned elsewhere, pipeline {pipeline}")
                samples = measure_load(targets, Work(words, pipeline, 1.5), options.rounds)
                rows += _rows(command, pipeline, samples)
                _goals(section, f"{command}, pipeline {pipeline}", samples, proxy)


@contextmanager
def _servers(section: Section) -> Iterator[list[Target]]:
    with ExitStack() as stack:
        nodes = stack.enter_context(pool([*["2gb"] * OWNERS, "16mb"]))
        gateway = nodes[-1]
        local = stack.enter_context(running(memnode()))
        targets = [Target(_FORWARDED, gateway.port, nodes), Target(_LOCAL, local.port, [local])]
        section.say(
            f"{CLIENTS} clients, {KEYS:,} random keys. All of them ask one node, which owns "
            f"{slots_owned(gateway)} of 16384 slots; {OWNERS} others own the rest. Beside it the "
            f"proxy nutcracker in front of {OWNERS} redis-servers, and a memnode alone with its "
            "own keys. CPU is the sum over all processes that take part."
        )
        redis = redis_server()
        if redis.missing or nutcracker([]).missing:
            reason = redis.missing or nutcracker([]).missing
            section.not_measured("CPU of forwarding beside nutcracker and redis-server", reason)
        else:
            targets.append(_proxied(stack))
        for target in targets[:2]:
            _fill(target.processes[-1])
        yield targets


def _proxied(stack: ExitStack) -> Target:
    backends = [stack.enter_context(running(redis_server())) for _ in range(OWNERS)]
    proxy = stack.enter_context(running(nutcracker([backend.port for backend in backends])))
    _fill(proxy)
    title = f"{proxy.title} and {OWNERS} {backends[0].title}"
    return Target(title, proxy.port, [*backends, proxy])


def _fill(server: Server) -> None:
    with server.client() as client:
        client.fill(range(KEYS), VALUE.encode())


def _rows(command: str, pipeline: int, samples: dict[str, Sample]) -> Sequence[list[str]]:
    ours = samples[_FORWARDED]
    return [
        [
            command,
            str(pipeline),
            title,
            f"{sample.operations_per_second:,.0f}",
            f"{sample.p50_ms:.2f}",
            f"{sample.p99_ms:.2f}",
            f"{sample.cpu_us:.2f}",
            ratio(ours.cpu_us, sample.cpu_us),
        ]
        for title, sample in samples.items()
    ]


def _goals(section: Section, what: str, samples: dict[str, Sample], proxy: str | None) -> None:
    ours, local = samples[_FORWARDED], samples[_LOCAL]
    if proxy is not None:
        name = f"{what}: CPU forwarded, ratio to nutcracker and redis-server"
        section.at_most(name, ours.cpu_us / samples[proxy].cpu_us, 1.0)
    section.at_most(
        f"{what}: CPU forwarded, ratio to local", ours.cpu_us / local.cpu_us, TIMES_LOCAL_MAX
    )
    if not what.endswith("pipeline 1"):
        share = ours.operations_per_second / local.operations_per_second
        section.at_least(f"{what}: throughput forwarded, share of local", share, SHARE_OF_LOCAL_MIN)
