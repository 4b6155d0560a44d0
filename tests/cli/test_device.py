"""The device of a node, as its owner meets it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.memnode_process import MemnodeProcess

from .support import Call, Home


def test_a_node_says_which_device_it_is(call: Call) -> None:
    """By INFO and by `memcli status`; the same after a restart."""
    with MemnodeProcess() as node:
        with node.client() as client:
            device = client.info("server")["memcloud_device_id"]
        assert len(device) == 63
        assert f"This device: {device}".encode() in call("-p", str(node.port), "status").out
        shown = call("-p", str(node.port), "status", "--json")
        assert json.loads(shown.out)["device_id"] == device
        node.kill()
        node.start()
        with node.client() as client:
            assert client.info("server")["memcloud_device_id"] == device


def test_a_damaged_device_stops_the_start_with_one_sentence(home: Home) -> None:
    """Exit code 1, no traceback."""
    folder = home.folder / "state/memcloud/devices"
    folder.mkdir(parents=True, mode=0o700)
    path = Path(folder, "oak.pem")
    path.write_text("nonsense")
    path.chmod(0o600)
    done = home.memnode("--name", "oak", "--port", "1", "--no-mdns")
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"memnode: {path} is damaged")
