"""What can be read and changed while the node runs: the parameters of CONFIG GET and CONFIG SET.

They have Redis' names, since tools ask for those. Four sorts of them:

- those that do here what they do in Redis (``maxmemory``, ``timeout``);
- facts of the start, which cannot be changed (``port``);
- knobs of Redis' machinery that change no answer (``hz``, ``activerehashing``): accepted,
  remembered and without effect, so that scripts written for Redis run;
- promises that are not kept here (``appendonly yes``): refused with a reason.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from memcloud.resp import UNAUTHENTICATED_ARGUMENTS_MAX, UNAUTHENTICATED_BULK_BYTES_MAX, Limits
from memcloud.store import LfuTuning, Policy, Store

from .errors import CommandError, StartError
from .parameter_kinds import (
    INT_MAX,
    LONG_MAX,
    Choice,
    Integer,
    Kind,
    Memory,
    Only,
    OutputLimits,
    Switch,
    Text,
    Value,
)
from .settings import Settings

logger = logging.getLogger(__name__)

OUTPUT_LIMIT_BYTES: Final = 256 << 20
# Redis' names for how much is logged, and Python's.
_LOG_LEVELS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "verbose": logging.INFO,
    "notice": logging.INFO,
    "warning": logging.WARNING,
}
_NOTHING_KEPT = "MemCloud keeps nothing on disk"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its values, the one it starts with, and whether it can be changed."""

    kind: Kind
    default: Value
    is_mutable: bool = True


def _catalogue(settings: Settings) -> dict[str, Parameter]:
    """Return all parameters, in the order of CONFIG GET ``*``."""
    limits = (
        f"normal {OUTPUT_LIMIT_BYTES} 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"
    )
    level = {"debug": "debug", "info": "notice"}.get(settings.log_level, "warning")
    return {
        # What does here what it does in Redis.
        "maxmemory": Parameter(Memory(), settings.memory_bytes),
        "maxmemory-policy": Parameter(Choice([p.value for p in Policy]), settings.policy.value),
        "lfu-log-factor": Parameter(Integer(), LfuTuning().log_factor),
        "lfu-decay-time": Parameter(Integer(), LfuTuning().decay_minutes),
        "maxclients": Parameter(Integer(1, 2**32 - 1), settings.max_clients),
        "timeout": Parameter(Integer(), 0),
        "proto-max-bulk-len": Parameter(Memory(1 << 20, LONG_MAX), 512 << 20),
        "client-output-buffer-limit": Parameter(OutputLimits(), limits),
        "requirepass": Parameter(Text(), settings.requirepass),
        "loglevel": Parameter(Choice(list(_LOG_LEVELS)), level),
        # Facts of the start.
        "databases": Parameter(Integer(1), settings.databases, is_mutable=False),
        "port": Parameter(Integer(0, 65535), settings.port, is_mutable=False),
        "bind": Parameter(Text(), settings.bind, is_mutable=False),
        "unixsocket": Parameter(Text(), settings.socket_path or "", is_mutable=False),
        "cluster-enabled": Parameter(Switch(), "yes", is_mutable=False),
        "cluster-port": Parameter(Integer(0, 65535), settings.peer_port, is_mutable=False),
        "daemonize": Parameter(Switch(), "no", is_mutable=False),
        "io-threads": Parameter(Integer(1), 1, is_mutable=False),
        # Knobs that change no answer.
        "hz": Parameter(Integer(), 10),
        "dynamic-hz": Parameter(Switch(), "yes"),
        "tcp-keepalive": Parameter(Integer(), 300),
        "maxmemory-samples": Parameter(Integer(1), 5),
        "maxmemory-eviction-tenacity": Parameter(Integer(0, 100), 10),
        "active-expire-effort": Parameter(Integer(1, 10), 1),
        "lazyfree-lazy-eviction": Parameter(Switch(), "no"),
        "lazyfree-lazy-expire": Parameter(Switch(), "no"),
        "lazyfree-lazy-server-del": Parameter(Switch(), "no"),
        "lazyfree-lazy-user-del": Parameter(Switch(), "no"),
        "lazyfree-lazy-user-flush": Parameter(Switch(), "no"),
        "activerehashing": Parameter(Switch(), "yes"),
        "slowlog-max-len": Parameter(Integer(0, LONG_MAX), 128),
        # Promises that are not kept.
        "appendonly": Parameter(Only(Switch(), "no", _NOTHING_KEPT), "no"),
        "save": Parameter(Only(Text(), "", _NOTHING_KEPT), ""),
        "activedefrag": Parameter(Only(Switch(), "no", "there is no defragmentation"), "no"),
        "notify-keyspace-events": Parameter(
            Only(Text(), "", "there are no keyspace notifications"), ""
        ),
        "slowlog-log-slower-than": Parameter(
            Only(Integer(-1, LONG_MAX), -1, "slow commands are not logged"), -1
        ),
        "latency-monitor-threshold": Parameter(
            Only(Integer(0, LONG_MAX), 0, "latencies are not monitored"), 0
        ),
        "latency-tracking": Parameter(Only(Switch(), "no", "latencies are not tracked"), "no"),
        "maxmemory-clients": Parameter(
            Only(Integer(0, INT_MAX), 0, "the memory of clients has no common limit"), 0
        ),
    }


class Parameters:
    """The parameters of one node, with their effects."""

    def __init__(
        self, settings: Settings, store: Store, client_places: Callable[[int], int]
    ) -> None:
        """``client_places(wanted)`` says how many clients there can be; see `Host`.

        Raises:
            StartError: there cannot be any.
        """
        self._store = store
        self._client_places = client_places
        self._catalogue = _catalogue(settings)
        self._values = {name: entry.default for name, entry in self._catalogue.items()}
        self._values["maxclients"] = self._places_at_start(settings.max_clients)
        # Handed out to parsers, which thereby learn of changes.
        self._limits = Limits()
        self._strangers_limits = Limits(
            bulk_bytes_max=UNAUTHENTICATED_BULK_BYTES_MAX,
            arguments_max=UNAUTHENTICATED_ARGUMENTS_MAX,
        )

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._catalogue)

    def __contains__(self, name: str) -> bool:
        return name in self._catalogue

    def shown(self, name: str) -> str:
        """Return the value of a parameter that exists, as CONFIG GET writes it."""
        return self._catalogue[name].kind.show(self._current(name))

    def change(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Give new values to several parameters, to all of them or to none.

        Names are taken in any case.

        Raises:
            CommandError: one does not exist, cannot be changed or not to that, or is named twice.
        """
        entries: dict[str, tuple[Parameter, str, str]] = {}
        for given, words in pairs:
            name = given.lower()
            entry = self._catalogue.get(name)
            if entry is None:
                raise CommandError(
                    f"ERR Unknown option or number of arguments for CONFIG SET - '{given}'"
                )
            if not entry.is_mutable:
                raise _failed(given, "can't set immutable config")
            if name in entries:
                raise _failed(given, "duplicate parameter")
            entries[name] = (entry, given, words)
        values = {name: self._parsed(name, *parts) for name, parts in entries.items()}
        if "maxclients" in values:
            self._check_places(values["maxclients"], entries["maxclients"][1])
        for name, value in values.items():
            self._apply(name, value)

    def is_password(self, word: bytes) -> bool:
        """Return whether this is the password that clients must give."""
        return hmac.compare_digest(word, self.requirepass.encode("utf-8", "surrogateescape"))

    @property
    def maxclients(self) -> int:
        """How many clients may be connected."""
        return self._integer("maxclients")

    @property
    def requirepass(self) -> str:
        """The password that clients must give, empty if they need none."""
        return str(self._values["requirepass"])

    @property
    def timeout_s(self) -> int:
        """After how many idle seconds a client is disconnected; 0: never."""
        return self._integer("timeout")

    @property
    def proto_max_bulk_len(self) -> int:
        """How long an argument or a string may be, in bytes."""
        return self._integer("proto-max-bulk-len")

    @property
    def output_limit_bytes(self) -> int:
        """How much output a client may leave unread before it is disconnected."""
        limits = OutputLimits.by_class(str(self._values["client-output-buffer-limit"]))
        return limits["normal"][0] or LONG_MAX

    def parser_limits(self, authenticated: bool) -> Limits:
        """Return the limits for a client's parser; they follow later changes by themselves."""
        return self._limits if authenticated else self._strangers_limits

    def _places_at_start(self, wanted: int) -> int:
        places = self._client_places(wanted)
        if not places:
            raise StartError("this process may open too few files to serve clients (ulimit -n)")
        if places < wanted:
            logger.warning(
                "maxclients is %d instead of %d: this process may not open more files (ulimit -n)",
                places,
                wanted,
            )
        return places

    def _check_places(self, wanted: Value, given: str) -> None:
        assert isinstance(wanted, int)
        places = self._client_places(wanted)
        if places < wanted:
            raise _failed(
                given,
                "The operating system is not able to handle the specified number of clients, "
                f"try with {places}",
            )

    def _parsed(self, name: str, entry: Parameter, given: str, words: str) -> Value:
        try:
            value = entry.kind.parse(words)
        except ValueError as error:
            raise _failed(given, str(error)) from None
        if isinstance(entry.kind, OutputLimits):
            return entry.kind.merge(str(self._values[name]), str(value))
        return value

    def _apply(self, name: str, value: Value) -> None:
        self._values[name] = value
        if name == "maxmemory":
            self._store.limit_bytes = self._integer(name)
        elif name == "maxmemory-policy":
            self._store.policy = Policy(str(value))
        elif name == "lfu-log-factor":
            self._store.lfu_tuning.log_factor = self._integer(name)
        elif name == "lfu-decay-time":
            self._store.lfu_tuning.decay_minutes = self._integer(name)
        elif name == "proto-max-bulk-len":
            self._limits.bulk_bytes_max = self._integer(name)
        elif name == "loglevel":
            logging.getLogger("memcloud").setLevel(_LOG_LEVELS[str(value)])

    def _current(self, name: str) -> Value:
        # The store has the last word on what is its own.
        if name == "maxmemory":
            return self._store.limit_bytes
        if name == "maxmemory-policy":
            return self._store.policy.value
        return self._values[name]

    def _integer(self, name: str) -> int:
        value = self._values[name]
        assert isinstance(value, int)
        return value


def _failed(name: str, reason: str) -> CommandError:
    return CommandError(f"ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
