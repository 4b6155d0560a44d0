"""The files of the services say what they have to say."""

from __future__ import annotations

import plistlib
import tomllib
from pathlib import Path

import pytest

from memcloud.cli.settings import read_settings

INSTALLERS = Path(__file__).resolve().parents[2] / "installers"
UNIT = INSTALLERS / "systemd/memnode.service"
PLIST = INSTALLERS / "launchd/io.memcloud.memnode.plist"
CONFIG = INSTALLERS / "memnode.toml"

# By section; all that systemd knows of them is checked by `systemd-analyze verify`.
EXPECTED = {
    "Unit": {"Description", "After", "Wants"},
    "Install": {"WantedBy"},
}
HARDENING = [
    "NoNewPrivileges",
    "ProtectHome",
    "PrivateTmp",
    "PrivateDevices",
    "PrivateUsers",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "RemoveIPC",
    "DynamicUser",
]


def unit() -> dict[str, dict[str, list[str]]]:
    """Return the directives of the unit by section; some may stand there several times."""
    sections: dict[str, dict[str, list[str]]] = {}
    for number, line in enumerate(UNIT.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
            continue
        name, equals, value = line.partition("=")
        assert equals, f"line {number} is no directive: {line}"
        assert name.isalpha(), f"line {number}: {name!r}"
        section.setdefault(name, []).append(value)
    return sections


def test_the_unit_has_its_three_sections() -> None:
    """Each directive in the section where systemd looks for it."""
    sections = unit()
    assert list(sections) == ["Unit", "Service", "Install"]
    for name, directives in EXPECTED.items():
        assert set(sections[name]) == directives


def test_the_unit_waits_until_the_node_is_ready() -> None:
    """The node says so itself; it does not feed a watchdog, so that there must be none."""
    service = unit()["Service"]
    assert service["Type"] == ["notify"]
    assert service["NotifyAccess"] == ["main"]
    assert "WatchdogSec" not in service
    assert service["ExecStart"] == ["/usr/local/bin/memnode --config /etc/memcloud/memnode.toml"]


@pytest.mark.parametrize("directive", HARDENING)
def test_the_unit_shuts_the_node_in(directive: str) -> None:
    """A node serves strangers' bytes; what it does not need it shall not have."""
    assert unit()["Service"][directive] == ["yes"]


def test_the_unit_leaves_the_node_no_rights_but_the_network_it_needs() -> None:
    """No capability, no system calls of administrators, no route to the internet."""
    service = unit()["Service"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == [""]
    assert service["ProtectSystem"] == ["strict"]
    assert service["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    assert service["IPAddressDeny"] == ["any"]
    assert "AF_NETLINK" in service["RestrictAddressFamilies"][0]


def test_a_wrong_setting_is_not_tried_over_and_over() -> None:
    """memnode exits with 2 for it, and trying again changes nothing."""
    service = unit()["Service"]
    assert service["Restart"] == ["on-failure"]
    assert service["RestartPreventExitStatus"] == ["2"]


def test_the_plist_starts_the_node_at_boot() -> None:
    """As a daemon that is started again only if it failed."""
    service = plistlib.loads(PLIST.read_bytes())
    assert service["Label"] == PLIST.stem
    assert service["ProgramArguments"] == [
        *("/usr/local/bin/memnode", "--config", "/etc/memcloud/memnode.toml")
    ]
    assert service["RunAtLoad"] is True
    assert service["KeepAlive"] == {"SuccessfulExit": False}
    assert service["UserName"] != "root"
    assert service["ProcessType"] == "Background"
    assert service["SoftResourceLimits"] == {"NumberOfFiles": 65536}


def test_the_settings_of_the_service_are_valid() -> None:
    """Those in force, and those that are there to be taken in."""
    assert read_settings({"config": str(CONFIG)}, {}).peer_bind == "127.0.0.1"


def test_the_settings_to_take_in_are_valid(tmp_path: Path) -> None:
    """Whoever removes the hash gets what the comment says."""
    lines = CONFIG.read_text().splitlines()
    names = ("name", "cluster", "join", "peer_bind")
    text = "\n".join(
        line.removeprefix("# ") if line.removeprefix("# ").startswith(names) else line
        for line in lines
    )
    assert set(tomllib.loads(text)) == {"memory", "policy", *names}
    file = tmp_path / "memnode.toml"
    file.write_text(text)
    assert read_settings({"config": str(file)}, {}).join == (("192.168.1.9", 16380),)
