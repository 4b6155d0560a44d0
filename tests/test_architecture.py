"""Who may import whom, and what nobody may do. The table is the architecture.

    cli -> memcloud.net -> memcloud -> {resp, ring}

The core decides and does nothing else: it has no socket, no thread, no clock, no randomness and
no files, so that a seed can replay a whole cluster. Only `memcloud.net` touches the world, only
`memcloud.sdk` is a client, only `memcloud/clock.py` reads the time.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINES_MAX = 500


def words(text: str) -> frozenset[str]:
    """Return the words of a text: shorter to read than a set of quoted names."""
    return frozenset(text.split())


WORLD = words(
    "asyncio concurrent datetime fcntl getpass glob http multiprocessing os pathlib platform random"
    " resource sched secrets select selectors shutil signal socket socketserver ssl subprocess"
    " tempfile threading time urllib uuid _thread"
)
# They run, or may run, what a stranger has sent.
DANGEROUS_MODULES = words("pickle cPickle _pickle dill cloudpickle marshal shelve")
DANGEROUS_CALLS = words("eval exec compile __import__")


@dataclass(frozen=True)
class Rule:
    """What the files of one folder may know."""

    parts: frozenset[str]  # parts of the project, the own one included
    libraries: frozenset[str] = frozenset()  # from outside the standard library
    banned: frozenset[str] = frozenset()  # from the standard library


def rule(parts: str, *, libraries: str = "", banned: frozenset[str] = WORLD) -> Rule:
    """Return a rule whose names are given as words."""
    return Rule(words(parts), words(libraries), banned)


NOTHING: frozenset[str] = frozenset()
CORE = "memcloud memcloud.cluster memcloud.commands memcloud.link memcloud.protocol memcloud.store"

# A folder or file and its rule; the longest match counts.
RULES: dict[str, Rule] = {
    "resp": rule("memcloud.resp"),
    # The door to the parsers lets the environment choose the pure one.
    "resp/parser.py": rule("memcloud.resp", banned=WORLD - {"os"}),
    "ring": rule("memcloud.ring", libraries="uhashring"),
    # The package's door: the client behind it is imported when somebody asks for it.
    "memcloud/__init__.py": rule("memcloud memcloud.sdk"),
    "memcloud/clock.py": rule("memcloud", banned=WORLD - {"time"}),
    "memcloud/store": rule("memcloud memcloud.ring memcloud.store"),
    # The door to the stores lets the environment choose the pure one.
    "memcloud/store/engine.py": rule("memcloud.store", banned=WORLD - {"os"}),
    "memcloud/protocol": rule("memcloud memcloud.protocol memcloud.ring", libraries="msgpack"),
    "memcloud/link": rule("memcloud memcloud.link", libraries="msgpack"),
    "memcloud": rule(f"{CORE} memcloud.resp memcloud.ring"),
    "memcloud/slot_content.py": rule("memcloud memcloud.store", libraries="msgpack"),
    "memcloud/slots.py": rule("memcloud memcloud.store"),
    "memcloud/targets.py": rule("memcloud memcloud.protocol memcloud.ring"),
    "memcloud/net": rule(
        f"{CORE} memcloud.net memcloud.resp memcloud.ring",
        libraries="cryptography ifaddr psutil uvloop zeroconf",
        banned=NOTHING,
    ),
    "memcloud/sdk": rule("memcloud memcloud.sdk", libraries="redis", banned=NOTHING),
    "cli": rule(
        f"{CORE} memcloud.cli memcloud.net memcloud.ring memcloud.sdk",
        libraries="platformdirs psutil redis rich typer",
        banned=NOTHING,
    ),
}
PARTS = tuple({part for entry in RULES.values() for part in entry.parts} - {"memcloud"})


def files_in(*folders: str) -> list[Path]:
    """Return the Python files of top-level folders, each once: links to others are left out."""
    return [
        path
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.resolve() == path
    ]


SOURCES = files_in("resp", "ring", "memcloud", "cli")
TESTS = files_in("tests", "compat")
EVERYTHING = SOURCES + TESTS + files_in("bench", "scripts", "installers")


def where(path: Path) -> str:
    """Return a file's path as the table writes it."""
    return path.relative_to(ROOT).as_posix()


def package_of(path: Path) -> list[str]:
    """Return the import name of a file's package, in its parts."""
    folders = list(path.relative_to(ROOT).parent.parts)
    return folders if folders[:1] == ["memcloud"] else ["memcloud", *folders]


def part_of(name: str) -> str:
    """Return the part of the project that a module of ours belongs to."""
    return next((part for part in PARTS if f"{name}.".startswith(f"{part}.")), "memcloud")


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the absolute name of each module that a file imports, and the dots before it."""
    package = package_of(path)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from memcloud import net` imports memcloud.net, `from .errors import X` no more.
            names = [f"{module}.{alias.name}" for alias in node.names]
            inner = [name for name in names if part_of(name) != part_of(module)]
            yield from ((name, node.level) for name in inner or [module])


def rule_for(path: Path) -> Rule:
    """Return the rule of the longest entry of the table that a file falls under."""
    name = where(path)
    matches = [entry for entry in RULES if name == entry or name.startswith(f"{entry}/")]
    return RULES[max(matches, key=len)]


def by_file(paths: list[Path]) -> pytest.MarkDecorator:
    """Run a test once for each file, under the file's name."""
    return pytest.mark.parametrize("path", paths, ids=[where(path) for path in paths])


@by_file(SOURCES)
def test_a_file_imports_only_what_its_folder_may_know(path: Path) -> None:
    """Arrows run downwards only, or else a part can no longer be tested or replaced alone."""
    allowed = rule_for(path)
    for name, _ in imports_of(path):
        top = name.partition(".")[0]
        if top == "memcloud":
            assert part_of(name) in allowed.parts, f"{where(path)} must not know {name}"
        elif top in sys.stdlib_module_names:
            assert top not in allowed.banned, f"{where(path)} must not import {name}"
        else:
            assert top in allowed.libraries, f"{where(path)} must not depend on {name}"


@by_file(SOURCES)
def test_imports_are_relative_within_a_package_and_absolute_across(path: Path) -> None:
    """One look at an import line tells whether it leaves the package."""
    package = ".".join(package_of(path))
    for name, dots in imports_of(path):
        assert dots <= 1, f"{where(path)}: write {name} in full"
        if dots == 0 and package != "memcloud":
            assert not name.startswith(f"{package}."), f"{where(path)}: import {name} relatively"


@by_file(EVERYTHING)
def test_our_packages_go_by_their_full_names(path: Path) -> None:
    """In a checkout `import resp` works as well, and gives a second copy of every class in it."""
    for name, dots in imports_of(path):
        if dots == 0:
            top = name.partition(".")[0]
            assert top not in {"resp", "ring", "cli"}, f"{where(path)}: write memcloud.{name}"


@by_file(EVERYTHING)
def test_nothing_runs_what_a_stranger_has_sent(path: Path) -> None:
    """Bytes from the network or a file are data: no format that can carry code is ever read."""
    for name, _ in imports_of(path):
        assert name.partition(".")[0] not in DANGEROUS_MODULES, f"{where(path)} imports {name}"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in DANGEROUS_CALLS, f"{where(path)}:{node.lineno} calls {called}"
            assert called != "yaml.load", f"{where(path)}:{node.lineno}: yaml.safe_load"


@by_file(TESTS)
def test_no_test_is_skipped_or_expected_to_fail(path: Path) -> None:
    """A test that does not run proves nothing; what it lacks is said in a failure instead."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            name = ast.unparse(node)
            found = words("skip skipif xfail importorskip") & set(name.split("."))
            assert not (name.startswith("pytest.") and found), f"{where(path)}: {name}"


@by_file(EVERYTHING)
def test_a_file_is_short_enough_to_be_one_job(path: Path) -> None:
    """Files that nobody reads to the end are where the bugs live."""
    lines = len(path.read_text().splitlines())
    assert lines <= LINES_MAX, f"{where(path)} has {lines} lines; split it by its jobs"


def test_the_links_lead_to_the_folders() -> None:
    """Type checkers and editors find resp, ring and cli through them, under their true names."""
    for name in ("resp", "ring", "cli"):
        assert (ROOT / "memcloud" / name).resolve() == ROOT / name
