#!/usr/bin/env bash
# Installs the Debian packages that tests and benchmarks compare MemCloud with: redis-server,
# redis-tools and memcached; with --bench also what only `make bench` and `make profile` use,
# nutcracker and perf. Does nothing if they are there, and leaves no service running that was not
# running before. Needs root or sudo.
set -euo pipefail

missing=()
command -v redis-server >/dev/null || missing+=(redis-server)
command -v redis-cli >/dev/null && command -v redis-benchmark >/dev/null || missing+=(redis-tools)
command -v memcached >/dev/null || missing+=(memcached)
if [ "${1:-}" = --bench ]; then
    [ -x /usr/sbin/nutcracker ] || missing+=(nutcracker)
    command -v perf >/dev/null || missing+=(linux-perf)
fi
if [ "${#missing[@]}" -eq 0 ]; then
    echo "The test tools are installed."
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "This machine has no apt-get; install ${missing[*]} its own way, so that they are on PATH." >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Installing ${missing[*]} needs root: run this script as root." >&2
        exit 1
    fi
    as_root=(sudo)
fi

# Debian starts a service when its package is installed, unless this file says no. Tests start
# servers of their own, on free ports.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"

# Nor shall they start with the machine from now on.
if [ -d /run/systemd/system ]; then
    for package in "${missing[@]}"; do
        [ "$package" = redis-tools ] || [ "$package" = linux-perf ] || "${as_root[@]}" systemctl disable --quiet "$package"
    done
fi
