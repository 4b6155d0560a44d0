"""redis-cli as people and scripts use it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import pytest

from tests.memnode_process import MemnodeProcess


def redis_cli(node: MemnodeProcess, *args: str, data: bytes = b"") -> bytes:
    """Run redis-cli on a node and return what it prints."""
    assert shutil.which("redis-cli"), "redis-cli is missing: run scripts/install-test-tools.sh"
    run = subprocess.run(
        ["redis-cli", "-p", str(node.port), *args],
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return run.stdout


def test_a_value_set_through_one_node_is_read_through_the_others(
    nodes: list[MemnodeProcess],
) -> None:
    """What the README shows first."""
    assert redis_cli(nodes[0], "set", "greeting", "hello") == b"OK\n"
    assert [redis_cli(node, "get", "greeting") for node in nodes] == [b"hello\n"] * 3


def test_the_interactive_protocol_asks_for_the_docs_first(nodes: list[MemnodeProcess]) -> None:
    """With lines on its standard input it behaves as at a prompt, `COMMAND DOCS` included."""
    output = redis_cli(nodes[1], data=b'set k "a b"\nget k\nselect 3\nget k\nnonsense\nping\n')
    assert output.split(b"\n")[:4] == [b"OK", b"a b", b"OK", b""]
    assert b"ERR unknown command 'nonsense'" in output
    assert b"PONG" in output


@pytest.mark.parametrize("flags", [(), ("-3",)])
def test_pipe_mode_loads_a_stream_of_commands(
    nodes: list[MemnodeProcess], flags: Sequence[str]
) -> None:
    """It ends with an ECHO, whose reply must come after all others."""
    stream = b"".join(b"*3\r\n$3\r\nSET\r\n$6\r\nk%05d\r\n$1\r\nv\r\n" % n for n in range(2000))
    output = redis_cli(nodes[2], *flags, "--pipe", data=stream)
    assert b"errors: 0, replies: 2000" in output
    assert redis_cli(nodes[0], "dbsize") == b"2000\n"


def test_scan_lists_every_key_once(nodes: list[MemnodeProcess]) -> None:
    """`redis-cli --scan` walks the whole cluster through one node."""
    for number in range(50):
        redis_cli(nodes[number % 3], "set", f"user:{number}", "x")
    lines = redis_cli(nodes[0], "--scan", "--pattern", "user:*").split()
    assert sorted(lines) == sorted(b"user:%d" % number for number in range(50))


def test_stat_starts_and_prints_a_row(node: MemnodeProcess) -> None:
    """Its columns come out of INFO."""
    process = subprocess.Popen(
        ["redis-cli", "-p", str(node.port), "--stat", "-i", "0.1"], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        rows = [process.stdout.readline() for _ in range(4)]
    finally:
        process.kill()
        process.communicate(timeout=60)
    assert b"keys" in b"".join(rows)
    assert rows[3].split()[0].isdigit()


def test_json_output_uses_resp3(nodes: list[MemnodeProcess]) -> None:
    """`--json` begins with HELLO 3."""
    assert redis_cli(nodes[0], "--json", "hello").startswith(b'{"server":"redis"')


def test_bigkeys_and_memkeys_walk_the_keys(nodes: list[MemnodeProcess]) -> None:
    """They pipeline TYPE, STRLEN and MEMORY USAGE over a scan."""
    redis_cli(nodes[0], "set", "large", "x" * 1000)
    redis_cli(nodes[1], "set", "small", "x")
    assert b"Biggest string found" in redis_cli(nodes[2], "--bigkeys")
    assert b"large" in redis_cli(nodes[2], "--memkeys")
