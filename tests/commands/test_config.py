"""CONFIG: patterns, several parameters at once, and the effect on connections."""

from __future__ import annotations

import pytest

from memcloud.resp import ErrorReply

from .support import LocalNode


def test_get_answers_a_map_of_what_matches() -> None:
    """Of several patterns, each parameter once."""
    node = LocalNode(memory_bytes=1000)
    found = node.run("CONFIG", "GET", "maxmemory", "MAXMEMORY*", "maxmemory-p*", protocol=3)
    assert found[b"maxmemory"] == b"1000"
    assert found[b"maxmemory-policy"] == b"allkeys-s3fifo"
    assert all(name.startswith(b"maxmemory") for name in found)


def test_a_name_comes_back_as_it_was_written() -> None:
    """As in Redis: the client looks for its own spelling."""
    node = LocalNode(memory_bytes=1000)
    assert node.run("CONFIG", "GET", "MaxMemory", "maxmemory") == [b"MaxMemory", b"1000"]


def test_what_does_not_exist_is_left_out() -> None:
    """Not an error: tools ask for parameters of many versions."""
    assert LocalNode().run("CONFIG", "GET", "nosuch", protocol=3) == {}


def test_redis_benchmark_and_exporter_find_what_they_ask_for() -> None:
    """They stop or show nothing otherwise."""
    found = LocalNode().run("CONFIG", "GET", "*", protocol=3)
    asked = {b"save": b"", b"appendonly": b"no", b"databases": b"16", b"maxclients": b"10000"}
    assert asked.items() <= found.items()


def test_several_parameters_are_set_together() -> None:
    """The effect is there at once."""
    node = LocalNode()
    assert node.run("CONFIG", "SET", "maxmemory", "1mb", "maxmemory-policy", "allkeys-lru") == "OK"
    assert node.node.store.limit_bytes == 1 << 20


def test_an_odd_number_of_words_is_refused() -> None:
    """The last parameter has no value."""
    assert LocalNode().run("CONFIG", "SET", "maxmemory", "1", "hz") == ErrorReply(
        "ERR syntax error"
    )


def test_an_unknown_parameter_is_named() -> None:
    """In Redis' words, which client libraries look for."""
    assert LocalNode().run("CONFIG", "SET", "nosuch", "1") == ErrorReply(
        "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"
    )


def test_a_new_password_is_for_new_connections() -> None:
    """Who is in stays in, as in Redis."""
    node = LocalNode()
    node.run("CONFIG", "SET", "requirepass", "secret")
    assert node.run("PING") == "PONG"
    other = node.client(2)
    assert other.run("PING") == ErrorReply("NOAUTH Authentication required.")
    assert other.run("AUTH", "secret") == "OK"


def test_a_password_taken_away_lets_everybody_in() -> None:
    """Those who were kept waiting too."""
    node = LocalNode()
    node.run("CONFIG", "SET", "requirepass", "secret")
    other = node.client(2)
    node.run("CONFIG", "SET", "requirepass", "")
    assert other.run("PING", b"x" * 20000) == b"x" * 20000


def test_too_many_clients_are_turned_away() -> None:
    """From the moment that maxclients says so."""
    node = LocalNode()
    node.run("CONFIG", "SET", "maxclients", 1)
    with pytest.raises(AssertionError):
        node.client(2)


def test_resetstat_starts_the_counters_again() -> None:
    """Those of the keys too."""
    node = LocalNode()
    node.run("ECHO")
    node.node.store.databases[0].get(b"nosuch")
    assert node.run("CONFIG", "RESETSTAT") == "OK"
    stats = node.node.stats
    assert stats.errors == {}
    assert stats.connections_received == 0
    assert node.node.store.misses == 0


def test_rewrite_says_why_not() -> None:
    """There may be no file, and it would not be written anyway."""
    assert LocalNode().run("CONFIG", "REWRITE") == ErrorReply(
        "ERR The server is running without a config file"
    )
    reply = LocalNode(config_file="memnode.toml").run("CONFIG", "REWRITE")
    assert reply.text.startswith("ERR Rewriting config file")
