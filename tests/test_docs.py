"""What the documents say can be typed, can be typed."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from types import ModuleType

import pytest
import typer

from memcloud.cli.memcli import app as memcli
from memcloud.cli.settings import CONFIG, SETTINGS
from memcloud.commands import TABLE

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)[^)]*\)")
_CODE = re.compile(r"^```[a-z]*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)


def code_lines(page: Path) -> list[str]:
    """Return each line of code on a page, from blocks and from the text."""
    return [
        line
        for block, inline in _CODE.findall(page.read_text())
        for line in (block or inline).splitlines()
    ]


def by_page(paths: list[Path]) -> pytest.MarkDecorator:
    """Run a test once for each page, under its name."""
    names = [path.relative_to(ROOT).as_posix() for path in paths]
    return pytest.mark.parametrize("page", paths, ids=names)


def generator() -> ModuleType:
    """Return scripts/generate_docs.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location(
        "generate_docs", ROOT / "scripts/generate_docs.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@by_page(PAGES)
def test_every_make_task_that_a_page_names_exists(page: Path) -> None:
    """The first thing that a newcomer types must not fail."""
    tasks = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        task
        for line in code_lines(page)
        for task in re.findall(r"(?:^|[;&$] ?)make ([a-z-]+)", line)
    }
    assert named <= tasks


@by_page(PAGES)
def test_every_script_that_a_page_names_can_be_run(page: Path) -> None:
    """A path that has moved, or a script that is not executable, stops people at once."""
    for line in code_lines(page):
        for name in re.findall(r"(?:scripts|installers|\.ci)/[\w./-]*\w", line):
            assert (ROOT / name).exists(), f"{page.name} names {name}"
            if name.endswith(".sh"):
                assert os.access(ROOT / name, os.X_OK), f"{name} is not executable"


@by_page(PAGES)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    """Pages are moved and renamed, and nobody thinks of the links."""
    for target in _LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_page_is_in_the_index() -> None:
    """A page that nothing leads to is not read."""
    index = (ROOT / "docs/README.md").read_text()
    for page in sorted((ROOT / "docs").glob("*.md")):
        assert page.name == "README.md" or f"({page.name})" in index


def test_every_command_is_on_the_page_of_commands() -> None:
    """A command that is not in the docs is not there for anybody."""
    page = (ROOT / "docs/commands.md").read_text()
    for command in TABLE:
        assert f"`{command.name.upper()}" in page
        for name in command.subcommands:
            assert f"`{command.name.upper()} {name.upper()}" in page


def test_the_generated_pages_are_up_to_date() -> None:
    """`make docs` writes them anew."""
    assert generator().commands_page() == (ROOT / "docs/commands.md").read_text()
    assert generator().configuration_page() == (ROOT / "docs/configuration.md").read_text()


@by_page(PAGES)
def test_every_flag_of_memnode_that_a_page_names_exists(page: Path) -> None:
    """A flag that was renamed must not live on in the documents."""
    flags = {setting.flag for setting in (*SETTINGS, CONFIG)} | {"--version", "--help"}
    for line in code_lines(page):
        words = line.split("#")[0].split()
        if "memnode" in words:
            after = words[words.index("memnode") :]
            named = {word for word in after if re.match("--[a-z]", word)}
            assert named <= flags, f"{page.name}: {line}"


@by_page(PAGES)
def test_every_command_of_memcli_that_a_page_names_exists(page: Path) -> None:
    """So with the commands of memcli, which is what people type most."""
    commands = set(typer.main.get_group(memcli).commands)
    for line in code_lines(page):
        for name in re.findall(r"(?:^|[|&;$] ?)memcli(?: -[-\w]+ [\w.]+)* ([a-z]+)", line):
            assert name in commands, f"{page.name}: {line}"


def test_every_task_of_the_makefile_is_told_of_by_make_help() -> None:
    """`make help` lists the tasks that have a description behind two hashes."""
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    described = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    assert described == set(phony[1].split())
