"""Parameters that change while the node runs: what is taken, refused, and what it does."""

from __future__ import annotations

from random import Random

import pytest

from memcloud.errors import CommandError, StartError
from memcloud.parameter_kinds import OutputLimits, parse_memory
from memcloud.parameters import Parameters
from memcloud.settings import Settings
from memcloud.store import Policy, Store
from tests.manual_clock import ManualClock


def make(**settings: object) -> tuple[Parameters, Store]:
    """Return the parameters of a node with these settings, and its store."""
    complete = Settings(**{"name": "node", "memory_bytes": 1 << 30, **settings})  # type: ignore[arg-type]
    store = Store(ManualClock(), Random(1), limit_bytes=complete.memory_bytes)
    return Parameters(complete, store, lambda wanted: min(wanted, 20_000)), store


@pytest.mark.parametrize(
    ("words", "size_bytes"),
    [
        ("0", 0),
        ("", 0),
        ("100", 100),
        ("1b", 1),
        ("1k", 1000),
        ("1kb", 1024),
        ("2M", 2_000_000),
        ("2Mb", 2 << 20),
        ("3g", 3_000_000_000),
        ("3GB", 3 << 30),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", None),
        ("99999999999gb", None),
        ("-1", None),
        ("1.5gb", None),
        ("1 gb", None),
        ("50%", None),
        ("1tb", None),
        ("x", None),
        ("٣", None),
        ("9" * 5000, None),
    ],
)
def test_sizes_are_read_as_in_redis_conf(words: str, size_bytes: int | None) -> None:
    """k counts in thousands and kb in 1024, and nothing is guessed."""
    assert parse_memory(words) == size_bytes


def test_every_default_can_be_set_again() -> None:
    """What CONFIG GET shows is what CONFIG SET takes, so that tools can restore it."""
    parameters, _ = make()
    for name, entry in parameters._catalogue.items():
        if entry.is_mutable:
            before = parameters.shown(name)
            parameters.change([(name, before)])
            assert parameters.shown(name) == before


def test_maxmemory_limits_the_store() -> None:
    """There is one limit, whoever asks."""
    parameters, store = make(memory_bytes=1 << 20)
    assert parameters.shown("maxmemory") == "1048576"
    parameters.change([("maxmemory", "2mb")])
    assert store.limit_bytes == 2 << 20
    store.limit_bytes = 5
    assert parameters.shown("maxmemory") == "5"


def test_the_policy_is_the_store_s() -> None:
    """Eviction follows CONFIG SET at once."""
    parameters, store = make()
    parameters.change([("maxmemory-policy", "ALLKEYS-LRU")])
    assert store.policy is Policy.ALLKEYS_LRU
    assert parameters.shown("maxmemory-policy") == "allkeys-lru"


def test_nothing_changes_if_one_of_several_is_wrong() -> None:
    """A half-applied change would be worse than none."""
    parameters, store = make()
    with pytest.raises(CommandError, match="maxmemory-policy"):
        parameters.change([("maxmemory", "1"), ("maxmemory-policy", "foo")])
    assert store.limit_bytes == 1 << 30


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        (
            [("nosuch", "1")],
            "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
        ),
        (
            [("databases", "4")],
            "ERR CONFIG SET failed (possibly related to argument 'databases') - "
            "can't set immutable config",
        ),
        (
            [("maxmemory", "1"), ("MaxMemory", "2")],
            "ERR CONFIG SET failed (possibly related to argument 'MaxMemory') - "
            "duplicate parameter",
        ),
        (
            [("maxclients", "0")],
            "ERR CONFIG SET failed (possibly related to argument 'maxclients') - "
            "argument must be between 1 and 4294967295 inclusive",
        ),
        (
            [("timeout", "99999999999999999999")],
            "ERR CONFIG SET failed (possibly related to argument 'timeout') - "
            "argument couldn't be parsed into an integer",
        ),
        (
            [("hz", "9" * 5000)],
            "ERR CONFIG SET failed (possibly related to argument 'hz') - "
            "argument couldn't be parsed into an integer",
        ),
        (
            [("appendonly", "yes")],
            "ERR CONFIG SET failed (possibly related to argument 'appendonly') - "
            "MemCloud keeps nothing on disk",
        ),
        (
            [("client-output-buffer-limit", "normal 0 0")],
            "ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - "
            "Wrong number of arguments in buffer limit configuration.",
        ),
        (
            [("client-output-buffer-limit", "foo 0 0 0")],
            "ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - "
            "Invalid client class specified in buffer limit configuration.",
        ),
        (
            [("client-output-buffer-limit", "normal x 0 0")],
            "ERR CONFIG SET failed (possibly related to argument 'client-output-buffer-limit') - "
            "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
        ),
    ],
)
def test_a_refusal_names_the_parameter_and_the_reason(
    pairs: list[tuple[str, str]], text: str
) -> None:
    """Whoever configures a node sees which of many words was wrong."""
    parameters, _ = make()
    with pytest.raises(CommandError) as caught:
        parameters.change(pairs)
    assert str(caught.value) == text


def test_the_output_limit_is_that_of_normal_clients() -> None:
    """The classes that are not named keep theirs."""
    parameters, _ = make()
    assert parameters.output_limit_bytes == 256 << 20
    parameters.change([("client-output-buffer-limit", "normal 1mb 0 0")])
    assert parameters.output_limit_bytes == 1 << 20
    shown = OutputLimits.by_class(parameters.shown("client-output-buffer-limit"))
    assert shown["pubsub"] == (33554432, 8388608, 60)


def test_an_output_limit_of_0_is_none() -> None:
    """As in Redis."""
    parameters, _ = make()
    parameters.change([("client-output-buffer-limit", "normal 0 0 0")])
    assert parameters.output_limit_bytes > 1 << 60


def test_parsers_follow_a_change_of_the_longest_argument() -> None:
    """A connection that is open already must not keep the old limit."""
    parameters, _ = make()
    limits = parameters.parser_limits(authenticated=True)
    parameters.change([("proto-max-bulk-len", "1mb")])
    assert limits.bulk_bytes_max == 1 << 20


def test_strangers_are_believed_little() -> None:
    """Whoever has not given the password shall not make the node reserve memory."""
    parameters, _ = make(requirepass="secret")
    limits = parameters.parser_limits(authenticated=False)
    assert (limits.bulk_bytes_max, limits.arguments_max) == (16384, 10)


def test_a_password_is_compared_byte_for_byte() -> None:
    """It may be no text at all."""
    parameters, _ = make(requirepass=b"\xff\x00".decode("utf-8", "surrogateescape"))
    assert parameters.is_password(b"\xff\x00")
    assert not parameters.is_password(b"\xff")


def test_there_are_as_many_places_for_clients_as_the_system_has() -> None:
    """CONFIG SET and the start ask it; nobody is promised what cannot be kept."""
    parameters, _ = make(max_clients=30_000)
    assert parameters.maxclients == 20_000
    with pytest.raises(CommandError, match=r"specified number of clients, try with 20000$"):
        parameters.change([("maxclients", "20001")])
    assert parameters.maxclients == 20_000
    parameters.change([("maxclients", "10")])
    parameters.change([("maxclients", "20000")])
    assert parameters.maxclients == 20_000


def test_a_node_without_any_place_for_clients_does_not_start() -> None:
    """It would refuse everybody, those included who want to know why."""
    store = Store(ManualClock(), Random(1), limit_bytes=1 << 30)
    with pytest.raises(StartError, match="ulimit -n"):
        Parameters(Settings("node"), store, lambda wanted: 0)
