#!/bin/sh
# Makes a virtual environment and installs MemCloud into it, editable.
# Usage: scripts/setup.sh FOLDER EXTRAS        (PYTHON=... chooses the interpreter)
set -eu

folder=$1
extras=$2
cd "$(dirname "$0")/.."
python=$(scripts/find-python.sh)
version_of='import sys; print(".".join(map(str, sys.version_info[:3])))'
wanted=$("$python" -c "$version_of")

# An environment outlives the interpreter that it was made with, and is then of no use.
if [ "$("$folder/bin/python" -c "$version_of" 2>/dev/null || true)" != "$wanted" ]; then
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        minor=${wanted%.*}
        echo "Python $wanted here lacks the module venv. On Debian and Ubuntu: sudo apt-get install python$minor-venv" >&2
        exit 1
    fi
    echo "Making $folder with Python $wanted"
    "$python" -m venv --clear "$folder"
fi

echo "Installing MemCloud and what it needs into $folder (the first time takes a minute)"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"

# The native modules once more, beside their sources as before, with those of the tests.
MEMCLOUD_TEST_MODULES=1 "$folder/bin/python" setup.py --quiet build_ext --inplace
if [ "$("$folder/bin/python" -c 'from memcloud.native import native_text; print(native_text())')" = none ]; then
    echo "No native modules were built (no C compiler, no headers of Python, or MEMCLOUD_PURE=1):"
    echo "everything works, several times slower."
fi
