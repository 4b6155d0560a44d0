"""install.sh and uninstall.sh, in folders of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memcloud.native import native_text
from memcloud.version import VERSION

INSTALLERS = Path(__file__).resolve().parents[2] / "installers"
# Packages are fetched and unpacked, on machines that may be slow.
INSTALL_TIMEOUT_S = 500.0
SCRIPTS = ["install.sh", "uninstall.sh"]


def run(script: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a script as a user whose home is a folder, and return how it ended."""
    return subprocess.run(
        ["sh", str(INSTALLERS / script), *arguments],
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, "HOME": str(home), "PYTHON": sys.executable, "XDG_STATE_HOME": ""},
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )


def files_under(folder: Path) -> list[Path]:
    """Return all that is in a folder."""
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_correct_shell(script: str) -> None:
    """Of the plain kind that every system has."""
    subprocess.run(["sh", "-n", str(INSTALLERS / script)], check=True)
    assert os.access(INSTALLERS / script, os.X_OK)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_that_is_cut_off_does_nothing(script: str, tmp_path: Path) -> None:
    """It may be piped into a shell over a connection that breaks; any line may be the last."""
    lines = (INSTALLERS / script).read_text().splitlines(keepends=True)
    assert lines[-1] == 'main "$@"\n'
    home = tmp_path / "home"
    home.mkdir()
    cut = tmp_path / script
    for count in range(1, len(lines), 5):
        cut.write_text("".join(lines[:count]))
        # Some ends are syntax errors, and some are a script that defines functions and ends.
        done = subprocess.run(
            ["sh", str(cut), "--prefix", str(home)], capture_output=True, check=False
        )
        assert done.stdout == b"", f"after {count} lines"
    assert files_under(home) == []


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_a_script_explains_itself(script: str, flag: str, tmp_path: Path) -> None:
    """Whoever runs it as root wants to know before."""
    done = run(script, flag, home=tmp_path)
    assert done.returncode == 0
    for option in ("--prefix", "--service-root", "--dry-run"):
        assert option in done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("arguments", [["--what"], ["--prefix"], ["--prefix", ""]])
def test_wrong_usage_is_exit_code_2(script: str, arguments: list[str], tmp_path: Path) -> None:
    """One sentence that names the word."""
    done = run(script, *arguments, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert arguments[0] in done.stderr


def test_the_version_is_that_of_the_source(tmp_path: Path) -> None:
    """Of the checkout, or of the wheel file by its name."""
    wheel = tmp_path / "memcloud-9.8.7-py3-none-any.whl"
    wheel.touch()
    assert run("install.sh", "--version", home=tmp_path).stdout == f"memcloud {VERSION}\n"
    done = run("install.sh", "--version", wheel.name, home=tmp_path)
    assert done.stdout == "memcloud 9.8.7\n"


@pytest.mark.parametrize("source", [".", "none.whl"])
def test_a_source_that_is_none_is_refused(source: str, tmp_path: Path) -> None:
    """Before anything is written."""
    done = run("install.sh", "--prefix", "to", source, home=tmp_path)
    assert done.returncode == 1
    assert files_under(tmp_path) == []


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """And says what would be written."""
    target = tmp_path / "to"
    services = tmp_path / "services"
    flags = ["--dry-run", "--prefix", str(target), "--service-root", str(services)]
    done = run("install.sh", *flags, home=tmp_path)
    assert done.returncode == 0
    assert f"would write: {target}/bin/memnode\n" in done.stdout
    assert f"would write: {services}/etc/memcloud/memnode.toml\n" in done.stdout
    assert run("uninstall.sh", *flags, "--purge", home=tmp_path).returncode == 0
    assert files_under(tmp_path) == []


def test_a_command_of_somebody_else_stays(tmp_path: Path) -> None:
    """Another program of that name is not ours to replace or to remove."""
    command = tmp_path / "to/bin/memcli"
    command.parent.mkdir(parents=True)
    command.write_text("mine")
    done = run("install.sh", "--prefix", str(tmp_path / "to"), "--no-service", home=tmp_path)
    assert done.returncode == 1
    assert f"{command} is there already" in done.stderr
    done = run("uninstall.sh", "--prefix", "to", "--service-root", "none", home=tmp_path)
    assert done.returncode == 0
    assert command.read_text() == "mine"


def test_a_prefix_that_no_service_file_can_hold_is_refused(tmp_path: Path) -> None:
    """A blank ends the path in a unit."""
    done = run("install.sh", "--prefix", str(tmp_path / "a b"), home=tmp_path)
    assert done.returncode == 2
    assert "no spaces" in done.stderr


@pytest.mark.timeout(INSTALL_TIMEOUT_S * 3)
def test_what_is_installed_works_and_goes_away_again(tmp_path: Path) -> None:
    """From the checkout, twice, since the second time is the update; then all is removed."""
    target, services = tmp_path / "to", tmp_path / "services"
    flags = ["--prefix", str(target), "--service-root", str(services)]
    first = run("install.sh", *flags, home=tmp_path)
    assert first.returncode == 0, first.stderr
    written = [line.split(": ")[1] for line in first.stdout.splitlines() if "wrote: " in line]
    assert all(Path(path).exists() for path in written)
    for command in ("memnode", "memcli"):
        # Elsewhere, so that it cannot be the checkout that answers.
        shown = subprocess.run(
            [target / "bin" / command, "--version"],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        )  # fmt: skip
        # With the native modules, if this interpreter has them.
        native = f" (native modules: {native_text()})" if command == "memnode" else ""
        assert shown.stdout == f"{command} {VERSION}{native}\n"

    (config,) = services.rglob("memnode.toml")
    config.write_text('name = "mine"\n')
    again = run("install.sh", *flags, home=tmp_path)
    assert again.returncode == 0, again.stderr
    assert f"kept: {config}\n" in again.stdout
    assert config.read_text() == 'name = "mine"\n'
    service = next(path for path in services.rglob("*memnode.*") if path != config)
    assert f"{target}/bin/memnode" in service.read_text()

    removed = run("uninstall.sh", *flags, home=tmp_path)
    assert removed.returncode == 0, removed.stderr
    assert f"kept: {config.parent} (--purge removes it)\n" in removed.stdout
    assert [path for path in files_under(target) if not path.is_dir()] == []
    assert [path for path in files_under(services) if not path.is_dir()] == [config]
    purged = run("uninstall.sh", *flags, "--purge", home=tmp_path)
    assert purged.returncode == 0, purged.stderr
    assert not config.parent.exists()
    assert run("uninstall.sh", *flags, "--purge", home=tmp_path).stdout == ""
