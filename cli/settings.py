"""The settings of memnode, each told once: its flag, variable, key in the file, meaning, parser.

A flag wins over a variable, a variable over the file, the file over the default. A setting called
``max_clients`` is ``--max-clients`` as a flag, ``MEMCLOUD_MAX_CLIENTS`` as a variable, and
``max_clients`` or ``max-clients`` in the file.
"""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memcloud.errors import SettingsError
from memcloud.settings import DEFAULT_PORT, PEER_PORT_OFFSET, Settings
from memcloud.store.policy import Policy

from . import parsing, paths
from .machine import memory_total_bytes
from .sizes import parse_size

DEFAULT_MEMORY = "25%"
# mDNS shows the nodes that are already there within 0.13 s, and links are up soon after.
LOOKING_MS = 1000


def _parse_memory(text: str) -> int:
    return parse_size(text, memory_total_bytes())


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of memnode."""

    key: str
    metavar: str  # empty for a switch, which takes no value as a flag
    help: str
    parse: Callable[[str], object]
    is_repeatable: bool = False
    is_secret: bool = False  # never shown in a message
    short_flag: str | None = None

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.key.replace("_", "-")

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"MEMCLOUD_{self.key.upper()}"

    @property
    def is_switch(self) -> bool:
        """Whether the flag stands alone."""
        return not self.metavar


SETTINGS = (
    Setting("name", "NAME", "Name of this node (default: the host name).", parsing.parse_name),
    Setting(
        "port",
        "PORT",
        f"Port for Redis clients (default: {DEFAULT_PORT}).",
        parsing.parse_port,
        short_flag="-p",
    ),
    Setting(
        "bind",
        "ADDR",
        "Address for Redis clients (default: 127.0.0.1); any other than loopback needs a password.",
        parsing.parse_bind,
    ),
    Setting(
        "peer_port",
        "PORT",
        f"Port for other nodes (default: the client port + {PEER_PORT_OFFSET}).",
        parsing.parse_port,
    ),
    Setting(
        "peer_bind",
        "ADDR",
        "Address for other nodes (default: 127.0.0.1, because links between nodes are not encrypted"
        " yet; 0.0.0.0 opens it to a network that you trust).",
        parsing.parse_ipv4,
    ),
    Setting(
        "memory",
        "SIZE",
        f"Memory to lend: 512mb, 4g or 25% of the RAM (default: {DEFAULT_MEMORY}).",
        _parse_memory,
    ),
    Setting(
        "policy",
        "POLICY",
        "Who goes when it is full: allkeys-s3fifo (default), allkeys-lru, -lfu or -random, "
        "volatile-lru, -lfu, -random or -ttl, or noeviction, which refuses writes instead.",
        parsing.choice([policy.value for policy in Policy]),
    ),
    Setting(
        "replicas",
        "COUNT",
        "How many members hold each key, 1 to 8; with 2 no acknowledged write is lost when one is"
        " killed (default: 1; give the same on all nodes).",
        parsing.parse_replicas,
    ),
    Setting(
        "isolated",
        "POLICY",
        "What becomes of members that are cut off from most others for 8 s: auto (default) goes on"
        " with the keys if all are there, fresh goes on empty, refuse waits.",
        parsing.choice(["auto", "fresh", "refuse"]),
    ),
    Setting(
        "join",
        "HOST[:PORT]",
        "A node that mDNS cannot see, by the port of its clients; may be given several times.",
        parsing.parse_peer,
        is_repeatable=True,
    ),
    Setting(
        "cluster",
        "NAME",
        "Name of the pool; nodes of another one are left alone (default: default).",
        parsing.parse_name,
    ),
    Setting(
        "interface",
        "ADDR",
        "Address of the network interface for mDNS (default: those of the peer port).",
        parsing.parse_ipv4,
    ),
    Setting("no_mdns", "", "Neither announce this node nor look for others.", parsing.parse_switch),
    Setting(
        "socket",
        "PATH",
        "Unix socket for Redis clients, or none (default: PORT.sock in the runtime folder).",
        parsing.parse_socket,
    ),
    Setting(
        "state_dir",
        "FOLDER",
        "Folder of what a node keeps, the identity of this device above all (default: memcloud in"
        " $XDG_STATE_HOME).",
        parsing.parse_path,
    ),
    Setting(
        "requirepass",
        "PASSWORD",
        "Password for clients; better given as MEMCLOUD_REQUIREPASS, which others cannot see.",
        parsing.parse_text,
        is_secret=True,
    ),
    Setting(
        "max_clients",
        "COUNT",
        "How many clients may be connected at once (default: 10000).",
        parsing.parse_count,
    ),
    Setting(
        "log_level",
        "LEVEL",
        "debug, info (default), warning or error.",
        parsing.choice(["debug", "info", "warning", "error"]),
    ),
    Setting("log_json", "", "Write the log as one JSON object per line.", parsing.parse_switch),
)
CONFIG = Setting(
    "config", "FILE", "TOML file with these settings, named as above.", parsing.parse_path
)


def read_settings(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings of a node.

    Args:
        flags: by key, what stands on the command line: a text, a list of them for settings that
            are repeatable, True for switches.
        environment: all variables; an empty one counts as not set.

    Raises:
        SettingsError: something is unknown or cannot be; the sentence names it.
    """
    file = _maybe_value(CONFIG, flags, environment)
    assert file is None or isinstance(file, str)
    from_file = {} if file is None else _read_file(Path(file))
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        value = _maybe_value(setting, flags, environment)
        if value is None and setting.key in from_file:
            source = f"{setting.key} in {file}"
            value = _parse(setting, source, _texts(setting, source, from_file[setting.key]))
        if value is not None:
            values[setting.key] = value
    return _build(values, file)


def _maybe_value(
    setting: Setting, flags: Mapping[str, Any], environment: Mapping[str, str]
) -> object:
    """Return the value that flag or variable give, None if neither is there."""
    given = flags.get(setting.key)
    if setting.is_switch and given:
        return True
    if given:
        return _parse(setting, setting.flag, given if setting.is_repeatable else [given])
    if given == "":
        return _parse(setting, setting.flag, [""])
    text = environment.get(setting.variable, "")
    if not text:
        return None
    return _parse(setting, setting.variable, text.split(",") if setting.is_repeatable else [text])


def _parse(setting: Setting, source: str, texts: list[str]) -> object:
    values = []
    for text in texts:
        try:
            values.append(setting.parse(text))
        except ValueError as error:
            shown = "" if setting.is_secret else f" {text!r}"
            raise SettingsError(f"{source} cannot be{shown}: {error}") from None
    return tuple(values) if setting.is_repeatable else values[0]


def _read_file(path: Path) -> dict[str, object]:
    """Return what a configuration file says, by key."""
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    known = [setting.key for setting in SETTINGS]
    found: dict[str, object] = {}
    for name, value in tables.items():
        key = name.replace("-", "_")
        if key not in known:
            hint = parsing.did_you_mean(key, known)
            raise SettingsError(f"{path} has an unknown setting {name!r}{hint}")
        found[key] = value
    return found


def _texts(setting: Setting, source: str, value: object) -> list[str]:
    """Return a value of the file in the form that a flag has."""
    values = value if isinstance(value, list) and setting.is_repeatable else [value]
    for item in values:
        is_fitting = isinstance(item, bool) if setting.is_switch else isinstance(item, str | int)
        if not is_fitting or (isinstance(item, bool) and not setting.is_switch):
            expected = "true or false" if setting.is_switch else "a text or a whole number"
            raise SettingsError(f"{source} must be {expected}")
    return [str(item) for item in values]


def _build(values: dict[str, Any], file: str | None) -> Settings:
    """Fill in the defaults, which depend on one another, and check what must fit together."""
    port: int = values.get("port", DEFAULT_PORT)
    bind: str = values.get("bind", "127.0.0.1")
    if not parsing.is_loopback(bind) and not values.get("requirepass"):
        raise SettingsError(
            f"--bind {bind} lets other machines in, so it needs a password: --requirepass PASSWORD"
        )
    peer_port = values.get("peer_port", port + PEER_PORT_OFFSET)
    if peer_port > parsing.PORT_MAX:
        raise SettingsError(
            f"--port {port} leaves no room for the peer port, which is {PEER_PORT_OFFSET} higher:"
            f" use a port up to {parsing.PORT_MAX - PEER_PORT_OFFSET}, or give --peer-port as well"
        )
    if peer_port == port:
        raise SettingsError(f"--port and --peer-port cannot both be {port}")
    default_socket = paths.maybe_socket_path(port)
    mdns = not values.get("no_mdns", False)
    return Settings(
        name=values.get("name") or _default_name(port),
        port=port,
        bind=bind,
        socket_path=values.get("socket", str(default_socket or "")) or None,
        peer_port=peer_port,
        peer_bind=values.get("peer_bind", "127.0.0.1"),
        memory_bytes=values.get("memory") or _parse_memory(DEFAULT_MEMORY),
        policy=Policy(values.get("policy", Policy.ALLKEYS_S3FIFO.value)),
        cluster=values.get("cluster", "default"),
        join=values.get("join", ()),
        interface=values.get("interface"),
        mdns=mdns,
        replicas=values.get("replicas", 1),
        isolated=values.get("isolated", "auto"),
        start_ms=LOOKING_MS if mdns or values.get("join") else 0,
        requirepass=values.get("requirepass", ""),
        max_clients=values.get("max_clients", 10_000),
        log_level=values.get("log_level", "info"),
        log_json=values.get("log_json", False),
        state_dir=values.get("state_dir") or str(paths.state_dir()),
        config_file=file,
    )


def _default_name(port: int) -> str:
    """Return the host's name, with the port behind it where several nodes may be."""
    host = socket.gethostname().partition(".")[0][: parsing.NAME_BYTES_MAX - 6] or "node"
    return host if port == DEFAULT_PORT else f"{host}-{port}"
