#!/bin/sh
# Prints the Python interpreter to use: $PYTHON if it is set, else the first of the usual names
# that is new enough. A newer one may exist beside a `python3` that is too old.
set -eu

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if is_new_enough "$PYTHON"; then
        echo "$PYTHON"
        exit 0
    fi
    echo "MemCloud needs Python 3.11 or newer, and PYTHON=$PYTHON is not that." >&2
    exit 1
fi

for candidate in python3 python3.13 python3.12 python3.11 python; do
    if is_new_enough "$candidate"; then
        echo "$candidate"
        exit 0
    fi
done

found=$(python3 --version 2>/dev/null || echo "no python3")
echo "MemCloud needs Python 3.11 or newer, and this machine has $found." >&2
echo "Install one (Debian, Ubuntu: sudo apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3.12" >&2
exit 1
