"""Finding the node that a command talks to, and turning what can go wrong into sentences."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import typer

from memcloud.settings import DEFAULT_PORT

from . import paths
from .options import Options, options_of
from .output import ExitCode, fail

if TYPE_CHECKING:
    from redis import RedisError

    from memcloud.sdk import MemCloud

LOOPBACK = "127.0.0.1"
PROBE_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where a node listens: a URL, a unix socket, or host and port."""

    host: str = LOOPBACK
    port: int = DEFAULT_PORT
    socket_path: str | None = None
    url: str | None = None

    @property
    def shown(self) -> str:
        """What people call it; without the password that a URL may hold."""
        if self.url is not None:
            parts = urlsplit(self.url)
            return parts.netloc.rpartition("@")[2] or parts.path
        return self.socket_path or f"{self.host}:{self.port}"

    @property
    def start_hint(self) -> str:
        """What to do when nobody answers."""
        if self.url is not None or self.host not in (LOOPBACK, "localhost"):
            return "is a node running there, and may this machine reach it?"
        option = "" if self.port == DEFAULT_PORT else f" --port {self.port}"
        return f"start one with: memnode{option}"

    def client(self, timeout_s: float, password: str | None) -> MemCloud:
        """Return a client that tries once and gives up after ``timeout_s``."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        from memcloud.sdk import MemCloud

        options: dict[str, Any] = {
            "protocol": 2,  # no greeting, and no reply of a command depends on it
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            # A second try of a write could carry it out twice.
            "retry": Retry(NoBackoff(), 0),
        }
        if password:
            options["password"] = password
        if self.url is not None:
            return MemCloud.from_url(self.url, **options)
        if self.socket_path is not None:
            return MemCloud(unix_socket_path=self.socket_path, **options)
        return MemCloud(self.host, self.port, **options)


@contextmanager
def open_node(context: typer.Context, *, timeout_ms_min: int = 0) -> Iterator[MemCloud]:
    """Hand out a client of the node that the options mean.

    Args:
        context: of the command.
        timeout_ms_min: what the command needs at least, if the node itself waits for others.

    Raises:
        CliError: there is no node, it does not answer, or it answered with an error.
    """
    options = options_of(context)
    target = find_target(options)
    with talk(target, max(options.timeout_ms, timeout_ms_min)) as client:
        yield client


@contextmanager
def talk(target: Target, timeout_ms: int, password: str | None = None) -> Iterator[MemCloud]:
    """Hand out a client of a node; see `open_node`."""
    import redis

    password = password or os.environ.get("MEMCLOUD_REQUIREPASS")
    try:
        client = target.client(timeout_ms / 1000, password)
    except ValueError as error:
        # redis-py says so of a URL that it cannot read.
        fail(f"the URL of the node cannot be used: {error}", ExitCode.USAGE)
    try:
        with client:
            yield client
    except redis.RedisError as error:
        _fail_for(error, target, timeout_ms)


def find_target(options: Options) -> Target:
    """Return where the node is that is meant.

    An option wins, then MEMCLOUD_URL, then the node on the default port, then the only node of
    this user on this machine.

    Raises:
        CliError: several nodes run here, or the options contradict each other.
    """
    is_address = options.host is not None or options.port is not None
    if sum((is_address, options.socket is not None, options.url is not None)) > 1:
        fail("--url, --socket and --host/--port exclude each other", ExitCode.USAGE)
    if options.url is not None:
        return Target(url=options.url)
    if options.socket:
        return Target(socket_path=options.socket)
    if is_address:
        target = Target(options.host or LOOPBACK, options.port or DEFAULT_PORT)
        return _by_socket(target) if options.host is None else target
    if url := os.environ.get("MEMCLOUD_URL"):
        return Target(url=url)
    return _find_local()


def _find_local() -> Target:
    standard = _by_socket(Target())
    if standard.socket_path is not None or _listens(standard):
        return standard
    live = paths.live_sockets()
    if len(live) > 1:
        ports = ", ".join(map(str, live))
        example = f"memcli -p {next(iter(live))} ..."
        fail(
            f"several nodes run here, on ports {ports}: choose one, as in {example}", ExitCode.USAGE
        )
    for port, path in live.items():
        return Target(port=port, socket_path=str(path))
    return standard


def _by_socket(target: Target) -> Target:
    """Return a local target by its unix socket if somebody listens there."""
    path = paths.socket_path(target.port)
    return replace(target, socket_path=str(path)) if paths.is_live(path) else target


def _listens(target: Target) -> bool:
    try:
        with socket.create_connection((target.host, target.port), PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False


def _fail_for(error: RedisError, target: Target, timeout_ms: int) -> None:
    """Raise the error of redis-py as one sentence with its exit code."""
    import redis

    from memcloud.sdk import PeerDown

    text = str(error)
    match error:
        case PeerDown():
            name = text.partition(" ")[2]
            fail(f"{name}, which the data is on, is away; memcli peers shows who is there")
        case redis.TimeoutError():
            shown = f"{timeout_ms / 1000:g} s"
            fail(f"{target.shown} did not answer within {shown}", ExitCode.REFUSED)
        case redis.AuthenticationError():
            fail(
                f"the node refused: {text.rstrip('.')}; give the password in MEMCLOUD_REQUIREPASS "
                "or in --url redis://:PASSWORD@HOST:PORT",
                ExitCode.REFUSED,
            )
        case redis.InvalidResponse():
            fail(f"{target.shown} is no node: it does not speak Redis' protocol")
        case redis.exceptions.NoPermissionError():
            fail(f"the node refused: {text}", ExitCode.REFUSED)
        case redis.ConnectionError() if " connecting to " in text:
            fail(f"no node answers at {target.shown}; {target.start_hint}", ExitCode.UNREACHABLE)
        case redis.ConnectionError():
            fail(f"{target.shown} ended the connection: {text}", ExitCode.UNREACHABLE)
    fail(text)
