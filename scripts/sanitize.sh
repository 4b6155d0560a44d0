#!/bin/sh
# Builds the native modules with AddressSanitizer, UBSan and their own assertions, in a copy of the
# source under build/, and runs there the tests that reach them, and the fuzzer for a while.
# Usage: scripts/sanitize.sh [FLAGS FOR PYTEST]
#        FUZZ_INPUTS=... inputs for the fuzzer, SANITIZE_TESTS=... other tests
set -eu
cd "$(dirname "$0")/.."

# The tests that reach native modules; what they start is watched as well. test_against_redis.py
# reaches none, and starts a redis-server that would be slow.
tests=${SANITIZE_TESTS:-tests/resp tests/store tests/test_native_session.py --ignore=tests/resp/test_against_redis.py}
python=$PWD/.venv/bin/python
copy=build/sanitize
compiler=${CC:-cc}

runtime=$("$compiler" -print-file-name=libasan.so)
case $runtime in
/*) ;;
*)
    echo "$compiler has no AddressSanitizer (on Debian and Ubuntu it comes with gcc)" >&2
    exit 1
    ;;
esac

# What was built there before stays, so that only what has changed is built again.
mkdir -p "$copy"
tar -cf - --exclude=__pycache__ --exclude='*.so' --exclude='*.c' \
    pyproject.toml setup.py conftest.py README.md LICENSE memcloud resp ring cli tests | tar -xf - -C "$copy"
cd "$copy"
echo "Building the native modules with sanitizers"
MEMCLOUD_DEBUG=1 MEMCLOUD_SANITIZE=address,undefined MEMCLOUD_TEST_MODULES=1 \
    "$python" setup.py --quiet build_ext --inplace

# Every block by itself from malloc, whose neighbours are watched. What Python never frees is none of
# our leaks, and to run out of memory is an error like others.
export PYTHONMALLOC=malloc PYTHONPATH="$PWD" ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 PYTHONDONTWRITEBYTECODE=
export LD_PRELOAD="$runtime $("$compiler" -print-file-name=libstdc++.so)"
"$python" -c 'import memcloud.resp._parser_c as native, os, sys
sys.exit(not native.__file__.startswith(os.getcwd()) and "not what was built here")'
"$python" -m tests.fuzz --inputs "${FUZZ_INPUTS:-300000}"
# shellcheck disable=SC2086
exec "$python" -m pytest -q -n 2 --dist loadfile -p no:cacheprovider --timeout=900 $tests "$@"
