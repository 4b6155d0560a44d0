"""What is printed, and how it looks where nobody has asked for it to look like that."""

from __future__ import annotations

import json

import pytest

from memcloud.cli import output
from memcloud.cli.output import (
    CliError,
    Output,
    bytes_text,
    json_value,
    maybe_text,
    printable,
    report,
)

BINARY = bytes(range(256))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let standard output be a terminal."""
    monkeypatch.setattr(output, "is_terminal", lambda: True)


def test_into_a_pipe_data_goes_byte_for_byte(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """`memcli get x > file` has to give the file that was stored."""
    Output().data(BINARY)
    assert capsysbinary.readouterr().out == BINARY


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_text_ends_with_a_line(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Else the prompt stands behind it."""
    Output().data("grüße".encode())
    Output().data(b"a\tb\n")
    assert capsysbinary.readouterr().out == "grüße\na\tb\n".encode()


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("data", [b"\xff", b"\x1b]0;title\x07", b"a\x00b", b"\x9b31m"])
def test_on_a_terminal_binary_data_is_refused(
    data: bytes, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """It would garble the terminal, or command it."""
    with pytest.raises(CliError, match="not shown on a terminal"):
        Output().data(data)
    assert capsysbinary.readouterr().out == b""


@pytest.mark.usefixtures("terminal")
def test_on_a_terminal_keys_are_escaped(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Anybody in the pool can name a key."""
    Output().lines([b"plain", b"\x1b[2J", b"\xff"])
    assert capsysbinary.readouterr().out == b"plain\n\\x1b[2J\n\\xff\n"


def test_into_a_pipe_keys_stay_as_they_are(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """`memcli keys | xargs` shall find them again."""
    Output().lines([b"plain", b"\xff"])
    assert capsysbinary.readouterr().out == b"plain\n\xff\n"


def test_quiet_leaves_the_value_alone(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """`id=$(memcli store -q x)` wants the id and no sentence."""
    quiet = Output(is_quiet=True)
    quiet.say("OK")
    quiet.result("Stored block ID: 7", "7")
    assert capsysbinary.readouterr().out == b"7\n"


def test_json_is_one_line_with_a_schema(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """The number tells programs when the form has changed."""
    Output().json(value=json_value("grüße\n".encode()), other=json_value(b"\xff"))
    out = capsysbinary.readouterr().out
    assert out.count(b"\n") == 1
    assert json.loads(out) == {"schema": 1, "value": "grüße\n", "other": {"base64": "/w=="}}


def test_a_table_is_aligned_and_never_cut(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """In a pipe there is no width that a line would have to fit."""
    name = "n" * 300
    Output().table(["NAME", ">SIZE"], [[name, "1"], ["b\x1b", "22"]])
    lines = capsysbinary.readouterr().out.decode().splitlines()
    assert lines[1].split() == [name, "1"]
    assert lines[2].split() == ["b\\x1b", "22"]
    assert [line.rindex(end) for line, end in zip(lines[1:], "12", strict=True)] == [
        len(lines[0]) - 1
    ] * 2


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Even if what a peer said has more, or control sequences."""
    report("memcli", "bad\nnews \x1b[31m")
    assert capsys.readouterr().err == "memcli: bad news \\x1b[31m\n"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (6 << 30, "6.0 GiB"),
     (1 << 60, "1048576.0 TiB")],
)  # fmt: skip
def test_bytes_are_shown_in_the_largest_fitting_unit(count: int, text: str) -> None:
    """Nobody counts digits."""
    assert bytes_text(count) == text


def test_text_is_what_a_terminal_can_show() -> None:
    """New lines and tabs are text; other control characters are not."""
    assert maybe_text("a\n\tö".encode()) == "a\n\tö"
    assert maybe_text(b"a\r") is None
    assert maybe_text(b"\xc3") is None
    assert printable("a\nö\u202e\udcff") == "a\\nö\\u202e\\udcff"
