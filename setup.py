"""Builds the native modules, which `pyproject.toml` cannot describe.

Without a C compiler, or with ``MEMCLOUD_PURE=1``, they are left out: everything works, several
times slower. A compiler that is there and fails is an error. Two more variables are for those who
work on the modules: ``MEMCLOUD_DEBUG=1`` keeps the assertions and checks of bounds in them, and
``MEMCLOUD_SANITIZE=address,undefined`` builds them with the sanitizers of the compiler. What the
tests need besides is built with ``MEMCLOUD_TEST_MODULES=1``.
"""

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup

# Import names and sources.
MODULES = {
    "memcloud.resp._parser_c": "resp/_parser_c.pyx",
    "memcloud.store._store_c": "memcloud/store/_store_c.pyx",
    "memcloud._calls_c": "memcloud/_calls_c.pyx",
    "memcloud._socket_c": "memcloud/_socket_c.pyx",
    "memcloud._session_c": "memcloud/_session_c.pyx",
    "memcloud._peer_c": "memcloud/_peer_c.pyx",
}
TEST_MODULES = {
    "tests.resp._lender_c": "tests/resp/_lender_c.pyx",
}

IS_DEBUG = bool(os.environ.get("MEMCLOUD_DEBUG"))
SANITIZERS = os.environ.get("MEMCLOUD_SANITIZE", "")
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": IS_DEBUG,
    "wraparound": False,
    "initializedcheck": IS_DEBUG,
    "cdivision": True,
}
BUILD = Path("build/debug" if IS_DEBUG else "build")


def can_compile() -> bool:
    """Return whether there are a C compiler and the headers of this Python."""
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
    return shutil.which(shlex.split(compiler)[0]) is not None and headers.exists()


def compiler_flags() -> tuple[list[str], list[str]]:
    """Return the flags to compile and to link with; they come behind those of Python itself."""
    compiling = ["-g", "-Wno-unused-function", "-Wno-sign-compare"]
    compiling += ["-Wno-unused-but-set-variable"]  # those that only assertions look at
    if "CFLAGS" not in os.environ:  # who has flags of his own decides
        compiling += ["-O3"]
    linking: list[str] = []
    compiling += ["-UNDEBUG", "-O1"] if IS_DEBUG else ["-DNDEBUG"]
    if SANITIZERS:
        flag = f"-fsanitize={SANITIZERS}"
        compiling += [flag, "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
        linking += [flag]
    return compiling, linking


def declarations() -> str:
    """Return a folder where Cython finds what stands outside of memcloud/ by its import name.

    The links in memcloud/ would do, but not every archive and not every file system has them.
    """
    folder = BUILD / "declarations"
    package = folder / "memcloud/resp"
    package.mkdir(parents=True, exist_ok=True)
    for source in [*Path("resp").glob("*.pxd"), Path("resp/__init__.py")]:
        # With its time, so that a module is not built again for nothing.
        shutil.copy2(source, package)
    (folder / "memcloud/__init__.py").touch()
    return str(folder)


def native_modules() -> list[Extension]:
    """Return the extensions, none for a build in plain Python."""
    if os.environ.get("MEMCLOUD_PURE"):
        return []
    if not can_compile():
        print(
            "warning: no C compiler, or no headers of Python: MemCloud is built without its native"
            " modules. It works, several times slower.",
            file=sys.stderr,
        )
        return []
    from Cython.Build import cythonize

    compiling, linking = compiler_flags()
    modules = MODULES | (TEST_MODULES if os.environ.get("MEMCLOUD_TEST_MODULES") else {})
    extensions = [
        Extension(name, [source], extra_compile_args=compiling, extra_link_args=linking)
        for name, source in modules.items()
    ]
    return cythonize(
        extensions,
        include_path=[declarations()],
        build_dir=str(BUILD / "cython"),
        compiler_directives=DIRECTIVES,
        quiet=True,
    )


setup(ext_modules=native_modules())
