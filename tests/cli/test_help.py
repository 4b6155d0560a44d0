"""Help and documents: what is not in them is not there for anybody."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from memcloud.cli import memcli, memnode
from memcloud.cli.settings import CONFIG, SETTINGS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/cli.md"


def commands() -> Iterator[tuple[str, ...]]:
    """Yield the words of each command of memcli."""
    root: Any = get_command(memcli.app)
    for name, command in root.commands.items():
        inner = getattr(command, "commands", None)
        yield from ((name, each) for each in inner) if inner else ((name,),)


COMMANDS = list(commands())


def help_of(program: Any, *words: str) -> str:
    """Return what a command prints for ``--help``."""
    with pytest.raises(SystemExit) as ended:
        program.main([*words, "--help"])
    assert ended.value.code == 0
    return " ".join(words)


def test_all_commands_of_the_design_are_there() -> None:
    """Scripts count on their names."""
    expected = (
        "set get del keys store load free peers connect status stats ping info version"
        " ring members where events leave"
    )
    nodes = {("node", each) for each in ("start", "stop", "status", "logs")}
    assert set(COMMANDS) == {(word,) for word in expected.split()} | nodes


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_each_command_has_an_example(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """People copy the example before they read the text."""
    name = help_of(memcli, *words)
    out = capsys.readouterr().out
    assert f"  memcli {name}" in out or f"  memcli -p 8080 {name}" in out
    assert "--json" in out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_is_in_the_document(words: tuple[str, ...]) -> None:
    """A command that is only in the code is found by nobody."""
    assert f"| `memcli {' '.join(words)}" in DOCUMENT.read_text() or words == ("version",)
    assert "`memcli version`" in DOCUMENT.read_text()


def test_the_help_of_memnode_has_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Flags and their variables, and why the peer port is closed."""
    help_of(memnode)
    out = " ".join(capsys.readouterr().out.split())
    for setting in (*SETTINGS, CONFIG):
        assert setting.flag in out
        assert setting.variable in out
    assert "links between nodes are not encrypted yet" in out
    assert "memnode --name NodeA --port 8080" in out


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_help_of_memcli_lists_its_commands(
    flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """-h is help; the host is -H."""
    with pytest.raises(SystemExit) as ended:
        memcli.main([flag])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    for words in COMMANDS:
        assert f"\n  {words[0]} " in out
    assert "..." not in out.partition("\nCommands:")[2]


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """It is wrong usage all the same, which scripts should notice."""
    with pytest.raises(SystemExit) as ended:
        memcli.main([])
    assert ended.value.code == 2
    assert "\nCommands:" in capsys.readouterr().out


def test_a_version_needs_no_heavy_modules() -> None:
    """`memcli --version` and completion have to be quick; see the first lines of the commands."""
    program = (
        "import sys\n"
        "from memcloud.cli import memcli, memnode\n"
        "sys.exit(' '.join({'redis', 'rich', 'asyncio', 'psutil', 'zeroconf'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
