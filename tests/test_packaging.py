"""What is built from the source is what the source says, and works without the source."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from memcloud.native import PARTS
from memcloud.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
LINKED = ("resp", "ring", "cli")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Compilers take their time on machines that do something else as well.
BUILD_SECONDS_MAX = 300
NATIVE_BUILD = {"MEMCLOUD_PURE": "", "CFLAGS": "-O0"}
_CALL_BACKEND = (
    "import sys; from setuptools import build_meta; "
    "print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
)


def source_folders() -> list[Path]:
    """Return the folders of our packages, relative to the root, links left out."""
    tops = [ROOT / name for name in ("memcloud", *LINKED)]
    found = {path.parent.resolve() for top in tops for path in top.rglob("__init__.py")}
    return sorted(folder.relative_to(ROOT) for folder in found)


def import_name(folder: Path) -> str:
    """Return the name under which a folder is imported."""
    name = ".".join(folder.parts)
    return name if folder.parts[0] == "memcloud" else f"memcloud.{name}"


def modules() -> set[str]:
    """Return the path inside a wheel of each module of ours."""
    return {
        "/".join([*import_name(folder).split("."), path.name])
        for folder in source_folders()
        for path in (ROOT / folder).glob("*.py")
    }


def native_modules() -> set[str]:
    """Return the path inside a wheel of each native module, without what compilers add to it."""
    return {
        "/".join([*import_name(folder).split("."), path.stem])
        for folder in source_folders()
        for path in (ROOT / folder).glob("*.pyx")
    }


def build(hook: str, source: Path, target: Path, **environment: str) -> Path:
    """Build as any installer does, by the named hook of PEP 517; return the file."""
    target.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", _CALL_BACKEND, hook, str(target)],
        cwd=source,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what is built from, so that a build leaves nothing in the checkout."""
    copy = tmp_path_factory.mktemp("source") / "memcloud"
    copy.mkdir()
    for name in (
        "pyproject.toml",
        "setup.py",
        "README.md",
        "LICENSE",
        "MANIFEST.in",
        "CHANGELOG.md",
    ):
        shutil.copy(ROOT / name, copy)
    for name in ("memcloud", *LINKED):
        ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.c")
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignored)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel of plain Python that was built from the source."""
    return build("build_wheel", source, tmp_path_factory.mktemp("wheel"), MEMCLOUD_PURE="1")


@pytest.fixture(scope="module")
def unpacked(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what a source archive holds. It has no links and no repository around it."""
    folder = tmp_path_factory.mktemp("archive")
    archive = build("build_sdist", source, folder, MEMCLOUD_PURE="1")
    with tarfile.open(archive) as files:
        assert not [name for name in files.getnames() if "/memcloud/resp/" in name]
        files.extractall(folder, filter="data")
    return folder / f"memcloud-{VERSION}"


def test_the_package_list_names_every_package() -> None:
    """A new folder that is not in the list works in a checkout and is missing from the wheel."""
    expected = sorted(import_name(folder) for folder in source_folders())
    assert expected == sorted(PROJECT["tool"]["setuptools"]["packages"])


def test_the_build_names_every_native_module() -> None:
    """One that is not in the list is missing everywhere, and its plain form used in silence."""
    tree = ast.parse((ROOT / "setup.py").read_text())
    (listed,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULES"
    ]
    assert native_modules() == {name.replace(".", "/") for name in listed}


def test_the_linked_folders_are_mapped() -> None:
    """The mapping is what builds; the links only show the same to tools."""
    mapping = PROJECT["tool"]["setuptools"]["package-dir"]
    assert {"memcloud": "memcloud", **{f"memcloud.{name}": name for name in LINKED}} == mapping


def test_the_version_is_the_same_everywhere() -> None:
    """What pip says, what the node says and what the changelog tells of are one thing."""
    assert PROJECT["project"]["version"] == VERSION
    assert f"## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_wheel_holds_every_module_and_nothing_else(wheel: Path) -> None:
    """A module that is left out is an ImportError on somebody else's machine."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert modules() | {"memcloud/py.typed"} == names


def test_the_wheel_fits_every_machine(wheel: Path) -> None:
    """Who has no compiler can install it."""
    assert f"memcloud-{VERSION}-py3-none-any.whl" == wheel.name


def test_the_wheel_brings_the_commands_and_the_licence(wheel: Path) -> None:
    """Who installs it gets `memnode` and `memcli` on the path."""
    files = zipfile.ZipFile(wheel)
    information = f"memcloud-{VERSION}.dist-info"
    entry_points = files.read(f"{information}/entry_points.txt").decode()
    metadata = Parser().parsestr(files.read(f"{information}/METADATA").decode())
    assert "memnode = memcloud.cli" in entry_points
    assert "memcli = memcloud.cli" in entry_points
    assert metadata["Requires-Python"] == ">=3.11"
    assert f"{information}/licenses/LICENSE" in files.namelist()


def test_the_wheel_works_without_the_source(wheel: Path, tmp_path: Path) -> None:
    """The links are not in it, so the mapping alone has to put every module in its place."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    # -S: without site-packages' path files, through which an editable install is found as well.
    program = (
        "import sys; sys.path[:0] = [sys.argv[1]]; sys.path.append(sys.argv[2]);"
        "import memcloud.resp, memcloud.ring, memcloud.commands;"
        "print(memcloud.resp.__file__, memcloud.__version__)"
    )
    libraries = Path(pytest.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, str(tmp_path), str(libraries)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [str(tmp_path / "memcloud/resp/__init__.py"), VERSION] == done.stdout.split()


def test_a_wheel_can_be_built_from_the_source_archive(
    wheel: Path, unpacked: Path, tmp_path: Path
) -> None:
    """Distributions build from the archive."""
    again = build("build_wheel", unpacked, tmp_path / "wheel", MEMCLOUD_PURE="1")
    assert sorted(zipfile.ZipFile(wheel).namelist()) == sorted(zipfile.ZipFile(again).namelist())


@pytest.mark.timeout(2 * BUILD_SECONDS_MAX)
def test_a_native_wheel_works_without_the_source(unpacked: Path, tmp_path: Path) -> None:
    """It brings the native modules compiled, and says so."""
    wheel = build("build_wheel", unpacked, tmp_path / "wheel", **NATIVE_BUILD)
    files = zipfile.ZipFile(wheel)
    names = {name for name in files.namelist() if ".dist-info/" not in name}
    compiled = {name.partition(".")[0] for name in names if name.endswith(".so")}
    assert native_modules() == compiled
    assert {name for name in names if not name.endswith(".so")} == modules() | {"memcloud/py.typed"}
    files.extractall(tmp_path / "installed")
    program = (
        "import sys; sys.path[:0] = [sys.argv[1]]; sys.path.append(sys.argv[2]);"
        "from memcloud.native import native_text; print(native_text())"
    )
    libraries = Path(pytest.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, str(tmp_path / "installed"), str(libraries)],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "MEMCLOUD_PURE"},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )
    assert done.stdout.strip().split(",") == list(PARTS), done.stderr


def test_without_a_compiler_the_build_warns_and_goes_on(source: Path, tmp_path: Path) -> None:
    """A laptop without developer tools is no reason not to have a cache."""
    wheel = build("build_wheel", source, tmp_path, MEMCLOUD_PURE="", CC="no-such-compiler")
    assert wheel.name.endswith("-py3-none-any.whl")


def test_a_compiler_that_fails_is_an_error(source: Path, tmp_path: Path) -> None:
    """A build that lost its speed in silence would be blamed on the program."""
    with pytest.raises(AssertionError, match="false"):
        build("build_wheel", source, tmp_path, MEMCLOUD_PURE="", CC="false")
