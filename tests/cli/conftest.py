"""What the tests of the command line share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcloud.cli import memcli

from .support import Call, Done, Home


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Return the folders of a new user, for processes and for this one."""
    # Not tmp_path: the path of a unix socket has to be short.
    with tempfile.TemporaryDirectory(prefix="mc-") as folder:
        user = Home(Path(folder))
        user.runtime.mkdir(mode=0o700)
        for name in ("MEMCLOUD_URL", "MEMCLOUD_REQUIREPASS", "NO_COLOR"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
            monkeypatch.setenv(name, user.variables[name])
        yield user


@pytest.fixture
def call(home: Home, capsysbinary: pytest.CaptureFixture[bytes]) -> Call:
    """Return a function that runs memcli in this process and returns how it ended."""

    def run(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            memcli.main(arguments)
        captured = capsysbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, captured.out, captured.err.decode())

    return run
