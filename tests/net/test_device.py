"""The files of a device: made once, kept, guarded, and refused with a way out."""

from __future__ import annotations

import os
import ssl
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from memcloud.errors import StartError
from memcloud.net.device import Device, open_device
from memcloud.net.record import MAGIC


@contextmanager
def opened(folder: Path, name: str = "oak") -> Iterator[Device]:
    """A device until the node that has it ends."""
    device = open_device(folder, name)
    try:
        yield device
    finally:
        os.close(device.lock)


def refusal(folder: Path, name: str = "oak") -> str:
    """Return why a device cannot be opened."""
    with pytest.raises(StartError) as caught:
        open_device(folder, name)
    return str(caught.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_device_is_made_once_and_kept(tmp_path: Path) -> None:
    """Others will know it by this id for years."""
    with opened(tmp_path / "state") as first:
        pass
    with opened(tmp_path / "state") as second:
        assert second.id == first.id


def test_every_node_name_is_a_device(tmp_path: Path) -> None:
    """Also names that no file could have."""
    names = ["oak", "elm", "a/b", "..", "ü" * 31]
    ids = set()
    for name in names:
        with opened(tmp_path, name) as device:
            ids.add(device.id)
            assert device.path.parent == tmp_path / "devices"
    assert len(ids) == len(names)


def test_nobody_else_can_read_the_key(tmp_path: Path) -> None:
    """Whatever the umask."""
    before = os.umask(0)
    try:
        with opened(tmp_path / "state") as device:
            assert mode(tmp_path / "state") == mode(device.path.parent) == 0o700
            assert {mode(path) for path in device.path.parent.iterdir()} == {0o600}
    finally:
        os.umask(before)


def test_the_certificate_serves_for_tls_and_for_twenty_years(tmp_path: Path) -> None:
    """Ed25519, signed by itself, and nobody's authority."""
    with opened(tmp_path) as device:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(device.path)
        certificate = x509.load_pem_x509_certificate(device.path.read_bytes())
    assert certificate.issuer == certificate.subject
    certificate.verify_directly_issued_by(certificate)
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lifetime == timedelta(days=20 * 365)
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert not basic.value.ca


def test_a_second_node_of_the_name_is_refused(tmp_path: Path) -> None:
    """Two processes with one vote each time one of them asks for it would be two votes."""
    with opened(tmp_path):
        assert "a node named 'oak' runs" in refusal(tmp_path)
        with opened(tmp_path, "elm"):
            pass
    with opened(tmp_path):
        pass


def test_of_many_that_start_at_once_one_makes_the_device(tmp_path: Path) -> None:
    """The others are told why they cannot run; the files are whole."""
    program = (
        "import sys, time; from pathlib import Path; from memcloud.net.device import open_device\n"
        "device = open_device(Path(sys.argv[1]), 'oak'); print(device.id, flush=True)\n"
        "sys.stdin.read()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    first_lines = [process.stdout.readline() for process in processes if process.stdout]
    errors = [process.communicate(timeout=60)[1] for process in processes]
    (winner,) = [line.strip() for line in first_lines if line]
    assert sum("runs with the state folder" in error for error in errors) == 3
    with opened(tmp_path) as device:
        assert device.id == winner


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """They may have it; the sentence says what to do if not."""
    with opened(tmp_path) as device:
        device.path.chmod(0o640)
    assert f"run: chmod 600 {device.path}" in refusal(tmp_path)


def test_a_folder_that_others_can_enter_is_shut(tmp_path: Path) -> None:
    """Logs may have been written there before."""
    tmp_path.chmod(0o755)
    with opened(tmp_path):
        assert mode(tmp_path) == 0o700


def test_a_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner could put another key there."""
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    assert "belongs to another user" in refusal(tmp_path)


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """Say, because a file has its name."""
    (tmp_path / "file").touch()
    assert "give another one with --state-dir" in refusal(tmp_path / "file")
    assert "give another one with --state-dir" in refusal(tmp_path / "file" / "below")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A folder in its place is what no user, not even root, can read."""
    with opened(tmp_path) as device:
        device.path.unlink()
        device.path.mkdir(mode=0o700)
    assert f"{device.path} cannot be read: Is a directory" in refusal(tmp_path)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    """Two files were mixed up; no peer would take what such a node signs."""
    with opened(tmp_path) as oak, opened(tmp_path, "elm") as elm:
        key = oak.path.read_bytes().split(b"-----BEGIN CERT")[0]
        certificate = elm.path.read_bytes().split(b"KEY-----\n")[-1]
        oak.path.write_bytes(key + certificate)
    assert "do not belong together" in refusal(tmp_path)
    assert "remove it to make this node a new device" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff\xfe", b"half"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """And never taken for none, which would make another device of this one silently."""
    with opened(tmp_path) as device:
        whole = device.path.read_bytes()
        device.path.write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    assert "is damaged" in refusal(tmp_path)


def test_a_record_is_kept(tmp_path: Path) -> None:
    """The last one, over starts."""
    with opened(tmp_path) as device:
        assert device.record.load() is None
        device.record.save(b"first")
        device.record.save(b"second" * 1000)
    with opened(tmp_path) as device:
        assert device.record.load() == b"second" * 1000
        assert mode(device.record.path) == 0o600


@pytest.mark.parametrize("kept", [0, 5, len(MAGIC), len(MAGIC) + 32, -1])
def test_a_torn_record_stops_the_start(tmp_path: Path, kept: int) -> None:
    """Going on without it would break promises."""
    with opened(tmp_path) as device:
        device.record.save(b"promised")
        device.record.path.write_bytes(device.record.path.read_bytes()[:kept])
        with pytest.raises(StartError, match="is damaged") as caught:
            device.record.load()
        assert f"remove it together with {device.path}" in str(caught.value)


def test_every_flipped_bit_of_a_record_is_seen(tmp_path: Path) -> None:
    """Disks do that."""
    with opened(tmp_path) as device:
        device.record.save(b"promised")
        whole = device.record.path.read_bytes()
        for place in range(len(whole)):
            flipped = bytes([whole[place] ^ 1])
            device.record.path.write_bytes(whole[:place] + flipped + whole[place + 1 :])
            with pytest.raises(StartError, match="is damaged"):
                device.record.load()


def test_on_a_full_disk_the_record_before_stays(tmp_path: Path) -> None:
    """A limit on the size of files fails in the middle of a write, as a full disk does."""
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from memcloud.net.device import open_device\n"
        "from memcloud.errors import StartError\n"
        "record = open_device(Path(sys.argv[1]), 'oak').record\n"
        "record.save(b'small')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    record.save(bytes(10000))\n"
        "except StartError as error:\n"
        "    print(error)\n"
        "assert record.load() == b'small'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "oak.record cannot be written: File too large; make room" in done.stdout
    assert not list(tmp_path.rglob("*.new"))


def test_a_first_start_on_a_full_disk_leaves_no_half_device(tmp_path: Path) -> None:
    """The next start, with room, makes it."""
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from memcloud.net.device import open_device\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "open_device(Path(sys.argv[1]), 'oak')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "oak.pem cannot be written: File too large" in done.stderr
    with opened(tmp_path):
        pass
