"""Values that come from the command line, a file or standard input."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .output import ExitCode, fail


def read_value(text: str | None, file: Path | None, name: str) -> bytes:
    """Return the bytes that a user gave: an argument, ``-`` for standard input, or a file.

    Raises:
        CliError: none or both are given, or the file cannot be read.
    """
    if (text is None) == (file is None):
        fail(f"give {name}, - for standard input, or -f FILE", ExitCode.USAGE)
    if file is None:
        assert text is not None
        return sys.stdin.buffer.read() if text == "-" else os.fsencode(text)
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
