"""The door to the parser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import memcloud.resp

# A native module in a folder of its own, put in front of the package before the door is opened.
PROGRAM = """
import importlib.util, sys
import memcloud
package = importlib.util.find_spec("memcloud.resp")
module = importlib.util.module_from_spec(package)
module.__path__.insert(0, sys.argv[1])
sys.modules["memcloud.resp"] = module
package.loader.exec_module(module)
print(module.ACCELERATED, module.Parser.__module__)
"""


def run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Open the door in a new interpreter, with ``folder`` beside the package."""
    inherited = {name: value for name, value in os.environ.items() if name != "MEMCLOUD_PURE"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_native_parser_is_taken_where_there_is_one(tmp_path: Path) -> None:
    """Nobody has to ask for it."""
    (tmp_path / "_parser_c.py").write_text("class Parser: pass")
    assert run(tmp_path).stdout == "True memcloud.resp._parser_c\n"


def test_the_plain_one_is_taken_on_demand(tmp_path: Path) -> None:
    """To find out whose fault a fault is."""
    (tmp_path / "_parser_c.py").write_text("class Parser: pass")
    done = run(tmp_path, MEMCLOUD_PURE="1")
    assert done.stdout == "False memcloud.resp._parser_py\n"


def test_a_broken_native_parser_is_an_error(tmp_path: Path) -> None:
    """To go on slowly would hide it; the module that it lacks must not look like its own lack."""
    (tmp_path / "_parser_c.py").write_text("import memcloud_has_no_such_module")
    assert "memcloud_has_no_such_module" in run(tmp_path).stderr
    (tmp_path / "_parser_c.py").write_text("raise ImportError('undefined symbol')")
    assert "undefined symbol" in run(tmp_path).stderr


def test_the_flag_says_which_one_is_in_use() -> None:
    """Benchmarks print it."""
    plain = memcloud.resp.Parser.__module__ == "memcloud.resp._parser_py"
    assert memcloud.resp.ACCELERATED is not plain
