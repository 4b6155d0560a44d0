"""Requests that have begun have to get on; everybody else may take all the time of the world."""

from __future__ import annotations

import pytest

from memcloud.deadlines import PATIENCE_MS, PROGRESS_BYTES
from tests.commands.support import LocalNode

BEGUN = b"*2\r\n$3\r\nGET\r\n$100000\r\n"
# Has the parser of the node read them, native or not.
UNUSUAL = b"CLIENT NO-TOUCH ON\r\n"


def wait(node: LocalNode, duration_ms: int) -> bool:
    """Let time pass as a node does; return whether its client was cut off."""
    for _ in range(duration_ms // 100):
        node.advance(100)
        node.receive()
    return node.is_closed


@pytest.mark.parametrize("sent", [BEGUN, UNUSUAL + BEGUN, UNUSUAL + b"*2\r\n", b"*", b"GE"])
def test_a_request_that_does_not_get_on_ends_its_connection(sent: bytes) -> None:
    """It would hold its place for ever."""
    node = LocalNode()
    node.send(sent)
    assert not wait(node, PATIENCE_MS)
    assert wait(node, 1100)


def test_a_byte_now_and_then_is_no_progress() -> None:
    """A thousand such clients would use all places."""
    node = LocalNode()
    node.send(BEGUN)
    for _ in range(PATIENCE_MS // 1000 + 2):
        node.send(b"x")
        wait(node, 1000)
    assert node.is_closed


def test_a_slow_upload_goes_on() -> None:
    """A bad line is no bad company."""
    node = LocalNode()
    node.send(BEGUN)
    for _ in range(10):
        node.send(b"x" * PROGRESS_BYTES)
        assert not wait(node, PATIENCE_MS - 1000)


def test_whole_commands_are_progress_however_slow() -> None:
    """Somebody types, and always the next word has just begun."""
    node = LocalNode()
    node.send(b"PING\r\nPI")
    for _ in range(10):
        assert not wait(node, PATIENCE_MS - 1000)
        node.send(b"NG\r\nPI")


@pytest.mark.parametrize("sent", [b"", b"PING\r\n"])
def test_idle_clients_may_stay(sent: bytes) -> None:
    """Connections are kept in pools for hours; `timeout` is for those who do not want that."""
    node = LocalNode()
    node.send(sent)
    assert not wait(node, 10 * PATIENCE_MS)


def test_who_is_not_read_is_not_blamed() -> None:
    """The node itself holds the rest of the request up."""
    node = LocalNode()
    node.run("CLIENT", "PAUSE", str(10 * PATIENCE_MS))
    node.send(b"SET k v\r\n" + BEGUN)
    assert not wait(node, 5 * PATIENCE_MS)
    assert node.send(b"x" * 10) == b""
    node.node.unpause_clients()
    assert node.receive() == b"+OK\r\n"
    assert not wait(node, PATIENCE_MS)
    assert wait(node, 2000)
