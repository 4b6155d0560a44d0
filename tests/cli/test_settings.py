"""Flags, variables and the file become the settings of a node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from memcloud.cli import machine, settings
from memcloud.cli.settings import CONFIG, SETTINGS, read_settings
from memcloud.errors import SettingsError
from memcloud.net.control_groups import find_groups
from memcloud.settings import Settings
from memcloud.store.policy import Policy

from .support import Home

pytestmark = pytest.mark.usefixtures("home")


def refusal(flags: dict[str, Any], environment: dict[str, str] | None = None) -> str:
    """Return the sentence that settings are refused with."""
    with pytest.raises(SettingsError) as caught:
        read_settings(flags, environment or {})
    return str(caught.value)


def test_a_node_needs_no_settings(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """`memnode` alone is how everybody starts."""
    monkeypatch.setattr("socket.gethostname", lambda: "oak.example.org")
    monkeypatch.setattr(settings, "memory_total_bytes", lambda: 8 << 30)
    expected = Settings(
        name="oak",
        socket_path=str(home.runtime / "memcloud/6380.sock"),
        memory_bytes=2 << 30,
        start_ms=settings.LOOKING_MS,
        state_dir=str(home.folder / "state/memcloud"),
    )
    assert read_settings({}, {}) == expected


def test_who_looks_for_nobody_waits_for_nobody() -> None:
    """A node without mDNS and addresses founds its cluster at once."""
    assert read_settings({"no_mdns": True}, {}).start_ms == 0
    assert read_settings({"no_mdns": True, "join": ["10.0.0.9"]}, {}).start_ms > 0


def test_nodes_on_other_ports_have_other_names_and_files(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several nodes on one host shall need nothing but a port each."""
    monkeypatch.setattr("socket.gethostname", lambda: "oak")
    found = read_settings({"port": "6381"}, {})
    assert found.name == "oak-6381"
    assert found.peer_port == 16381
    assert found.socket_path == str(home.runtime / "memcloud/6381.sock")


def test_every_setting_can_be_given_as_a_flag() -> None:
    """All of them at once, each with its own value."""
    found = read_settings(
        {
            "name": "NodeA",
            "port": "8080",
            "bind": "0.0.0.0",
            "peer_port": "9000",
            "peer_bind": "192.168.1.2",
            "memory": "512mb",
            "policy": "allkeys-lru",
            "replicas": "2",
            "isolated": "refuse",
            "join": ["oak", "10.0.0.2:8081", "[fe80::1]:7000"],
            "cluster": "home",
            "interface": "192.168.1.2",
            "no_mdns": True,
            "socket": "/run/memcloud/node.sock",
            "state_dir": "/var/lib/memcloud",
            "requirepass": "secret",
            "max_clients": "50",
            "log_level": "DEBUG",
            "log_json": True,
        },
        {},
    )
    assert found == Settings(
        name="NodeA",
        port=8080,
        bind="0.0.0.0",
        socket_path="/run/memcloud/node.sock",
        state_dir="/var/lib/memcloud",
        peer_port=9000,
        peer_bind="192.168.1.2",
        memory_bytes=512 << 20,
        policy=Policy.ALLKEYS_LRU,
        replicas=2,
        isolated="refuse",
        start_ms=settings.LOOKING_MS,
        cluster="home",
        join=(("oak", 16380), ("10.0.0.2", 18081), ("fe80::1", 17000)),
        interface="192.168.1.2",
        mdns=False,
        requirepass="secret",
        max_clients=50,
        log_level="debug",
        log_json=True,
    )


def test_a_flag_wins_over_a_variable_and_that_over_the_file(tmp_path: Path) -> None:
    """What is closer to the person who types it counts."""
    file = tmp_path / "node.toml"
    file.write_text('name = "file"\nport = 7000\ncluster = "file"\nno-mdns = true\n')
    environment = {
        "MEMCLOUD_CONFIG": str(file),
        "MEMCLOUD_CLUSTER": "variable",
        "MEMCLOUD_NAME": "variable",
        "MEMCLOUD_NO_MDNS": "0",
        "MEMCLOUD_POLICY": "",
    }
    found = read_settings({"name": "flag", "no_mdns": False, "join": ()}, environment)
    assert (found.name, found.cluster, found.port) == ("flag", "variable", 7000)
    assert found.mdns
    assert found.policy is Policy.ALLKEYS_S3FIFO
    assert found.config_file == str(file)


def test_variables_separate_several_nodes_by_commas() -> None:
    """A variable has one value, and a node may be told of several others."""
    found = read_settings({}, {"MEMCLOUD_JOIN": "oak,elm:8081"})
    assert found.join == (("oak", 16380), ("elm", 18081))


def test_the_file_has_lists_numbers_and_switches(tmp_path: Path) -> None:
    """Values stand there as TOML writes them."""
    file = tmp_path / "node.toml"
    file.write_text(
        'join = ["oak", "elm:8081"]\nmax_clients = 7\nlog-json = true\nmemory = 2097152\n'
    )
    found = read_settings({"config": str(file)}, {})
    assert found.join == (("oak", 16380), ("elm", 18081))
    assert (found.max_clients, found.log_json, found.memory_bytes) == (7, True, 2 << 20)


def test_a_node_may_have_no_unix_socket() -> None:
    """Containers and services may have no use for it."""
    assert read_settings({"socket": "none"}, {}).socket_path is None
    assert read_settings({}, {"MEMCLOUD_SOCKET": "none"}).socket_path is None


def test_a_default_socket_that_the_system_cannot_open_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nobody asked for it, so a deep folder is no reason not to start."""
    deep = tmp_path / ("x" * 100)
    deep.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    assert read_settings({}, {}).socket_path is None


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("port", "0", "a port is a number from 1 to 65535"),
        ("port", "70000", "a port is a number from 1 to 65535"),
        ("port", "x", "a port is a number from 1 to 65535"),
        ("port", "٣", "a port is a number from 1 to 65535"),
        ("port", "9" * 5000, "a port is a number from 1 to 65535"),
        ("memory", "lots", "a size is written like 512mb, 4g or 25%"),
        ("memory", "200%", "more than 100% of the memory does not exist"),
        ("policy", "random", f"it must be one of {', '.join(Policy)}"),
        ("name", "", "a name has 1 to 63 printable characters"),
        ("name", "a\nb", "a name has 1 to 63 printable characters"),
        ("name", "x" * 64, "a name has 1 to 63 printable characters"),
        ("bind", "oak", "it must be an IP address of this machine, or 0.0.0.0 for all"),
        ("peer_bind", "::1", "it must be an IPv4 address of this machine"),
        ("interface", "eth0", "it must be an IPv4 address of this machine"),
        ("max_clients", "-1", "it must be a number from 1 to 1000000"),
        ("log_level", "loud", "it must be one of debug, info, warning, error"),
        ("socket", "x" * 200, "it must be a path of at most 103 bytes, or none"),
    ],
)
def test_a_bad_value_is_named_wherever_it_stands(key: str, text: str, expected: str) -> None:
    """The sentence has to lead to the place that is to be changed."""
    setting = next(entry for entry in SETTINGS if entry.key == key)
    assert refusal({key: text}) == f"{setting.flag} cannot be {text!r}: {expected}"
    if text:
        sentence = refusal({}, {setting.variable: text})
        assert sentence == f"{setting.variable} cannot be {text!r}: {expected}"


@pytest.mark.parametrize("text", ["", ":80", "a:b", "a b", "a:1:2", "[::1", "[::1]x", "oak:0"])
def test_a_bad_address_to_join_is_refused(text: str) -> None:
    """The node would dial it for ever."""
    assert refusal({"join": [text]}).startswith(f"--join cannot be {text!r}: ")


def test_a_join_port_is_that_of_clients() -> None:
    """Whoever gives the peer port is told; it would be too high once more."""
    sentence = refusal({"join": ["oak:60000"]})
    assert sentence.endswith("the port is that of the node's clients, at most 55535")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('prot = 1\n', "has an unknown setting 'prot'; did you mean 'port'?"),
        ('colour = "red"\n', "has an unknown setting 'colour'"),
        ("port =\n", "is not valid TOML: Invalid value (at line 1, column 7)"),
        ("[memory]\nlend = 1\n", "memory in FILE must be a text or a whole number"),
        ("port = true\n", "port in FILE must be a text or a whole number"),
        ('no_mdns = "yes"\n', "no_mdns in FILE must be true or false"),
        ("port = 99999\n", "port in FILE cannot be '99999': a port is a number from 1 to 65535"),
        ("join = [1.5]\n", "join in FILE must be a text or a whole number"),
        ('config = "x"\n', "has an unknown setting 'config'"),
    ],
)  # fmt: skip
def test_a_bad_file_is_named_with_what_is_wrong(text: str, expected: str, tmp_path: Path) -> None:
    """A setting that is misspelled and ignored is found only when it is missed."""
    file = tmp_path / "node.toml"
    file.write_text(text)
    prefix = "" if "FILE" in expected else f"{file} "
    assert refusal({"config": str(file)}).startswith(prefix + expected.replace("FILE", str(file)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Starting without it would be starting with other settings than were asked for."""
    file = tmp_path / "none.toml"
    assert refusal({"config": str(file)}) == f"{file} cannot be read: No such file or directory"


def test_a_password_is_not_shown() -> None:
    """Messages end up in logs."""
    assert all(setting.is_secret == (setting.key == "requirepass") for setting in SETTINGS)


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.2", "::"])
def test_an_open_client_port_needs_a_password(address: str) -> None:
    """Else whoever is on the network reads and writes everything."""
    assert refusal({"bind": address}) == (
        f"--bind {address} lets other machines in, so it needs a password: --requirepass PASSWORD"
    )
    assert read_settings({"bind": address, "requirepass": "x"}, {}).bind == address


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_needs_no_password(address: str) -> None:
    """Nobody but this machine's users gets there."""
    assert read_settings({"bind": address}, {}).requirepass == ""


def test_a_port_without_room_for_the_peer_port_is_refused() -> None:
    """65535 is the last port there is."""
    assert read_settings({"port": "55535"}, {}).peer_port == 65535
    assert read_settings({"port": "55536", "peer_port": "7000"}, {}).peer_port == 7000
    assert refusal({"port": "55536"}).startswith("--port 55536 leaves no room for the peer port")
    assert refusal({"port": "7000", "peer_port": "7000"}) == (
        "--port and --peer-port cannot both be 7000"
    )


def test_no_two_settings_share_a_name() -> None:
    """Flags, variables and keys all come from the key."""
    names = [setting.key for setting in (*SETTINGS, CONFIG)]
    assert len(names) == len(set(names))


def test_in_a_container_memory_is_what_the_container_has(tmp_path: Path) -> None:
    """A quarter of the machine's RAM may be more than the group is allowed."""
    group = tmp_path / "root/outer/inner"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group.parent / "memory.max").write_text(f"{1 << 30}\n")
    own = tmp_path / "cgroup"
    own.write_text("0::/outer/inner\n")
    limits = [found.limit_bytes() for found in find_groups(own, tmp_path / "root")]
    assert limits == [None, 1 << 30]
    assert find_groups(tmp_path / "none", tmp_path) == []


def test_a_share_of_the_memory_is_one_of_the_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--memory 25%` in a container of 64 MiB is 16 MiB, however large the machine is."""

    class Small:
        def limit_bytes(self) -> int:
            return 64 << 20

    monkeypatch.setattr(machine, "find_groups", lambda: [Small()])
    assert read_settings({"memory": "25%"}, {}).memory_bytes == 16 << 20


def test_the_memory_of_this_machine_is_known() -> None:
    """The default share is a share of it."""
    assert (
        0 < machine.memory_total_bytes() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    )
