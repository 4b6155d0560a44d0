#!/bin/sh
# Installs memnode and memcli into a folder of their own, and the node as a service.
# To run it again is an update. See --help.
#
# Everything is in main, which the last line calls: a script that arrives cut off does nothing.

set -eu

usage() {
    cat <<'TEXT'
Usage: install.sh [OPTIONS] [SOURCE]

Installs MemCloud from SOURCE: a checkout or a wheel file (default: the checkout of this script).

  --prefix DIR        where to: DIR/lib/memcloud and DIR/bin
                      (default: /usr/local as root, else ~/.local)
  --no-service        do not install the node as a service (only root can)
  --service-root DIR  put the files of the service under DIR and start nothing; for packages
  --dry-run           say what would be done, and do nothing
  --version           print the version of SOURCE
  -h, --help          print this

The variable PYTHON names the interpreter to use; it has to be 3.11 or newer.
TEXT
}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit "${2:-1}"
}

misused() {
    printf 'install.sh: %s; --help explains\n' "$*" >&2
    exit 2
}

# Runs a command that changes something, or says what it would be.
run() {
    if [ "$dry_run" = yes ]; then
        say "would run: $*"
    else
        "$@"
    fi
}

wrote() {
    if [ "$dry_run" = yes ]; then
        say "would write: $1"
    else
        say "wrote: $1"
    fi
}

absolute() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s/%s\n' "$PWD" "$1" ;;
    esac
}

find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; install it, or name it: PYTHON=/path/to/python3 install.sh"
}

# Prints the version of a checkout or a wheel.
version_of() {
    case $1 in
    *.whl) basename "$1" | cut -d- -f2 ;;
    *) sed -n 's/^version = "\(.*\)"$/\1/p' "$1/pyproject.toml" ;;
    esac
}

check_source() {
    case $1 in
    *.whl) [ -f "$1" ] || fail "there is no file $1" ;;
    *)
        [ -f "$1/pyproject.toml" ] && [ -d "$1/memcloud" ] ||
            fail "$1 is neither a checkout of MemCloud nor a wheel file"
        ;;
    esac
}

# A command of the same name that is not ours stays.
check_link() {
    if [ -e "$1" ] || [ -L "$1" ]; then
        case $(readlink "$1" || true) in
        "$venv"/bin/*) ;;
        *) fail "$1 is there already and was not installed by this script; remove it, or use --prefix" ;;
        esac
    fi
}

install_packages() {
    run mkdir -p "$prefix/bin" "$prefix/lib/memcloud"
    run "$python" -m venv "$venv"
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    case $source in
    *.whl)
        run "$venv/bin/python" -m pip install --quiet "$source"
        # The same version once more, in case that the file has changed.
        run "$venv/bin/python" -m pip install --quiet --force-reinstall --no-deps "$source"
        ;;
    *)
        # A copy, so that building leaves nothing in the checkout.
        if [ "$dry_run" = no ]; then
            copy=$(mktemp -d)
            trap 'rm -rf "$copy"' EXIT
            for part in pyproject.toml setup.py README.md LICENSE MANIFEST.in CHANGELOG.md \
                memcloud resp ring cli; do
                if [ -e "$source/$part" ]; then cp -RP "$source/$part" "$copy/"; fi
            done
        else
            copy=$source
        fi
        run "$venv/bin/python" -m pip install --quiet "$copy"
        ;;
    esac
    wrote "$venv"
    for command in memnode memcli; do
        run ln -sf "$venv/bin/$command" "$prefix/bin/$command"
        wrote "$prefix/bin/$command"
    done
}

# Copies a file with the path of memnode, and the user on macOS, put in.
install_file() {
    if [ "$dry_run" = no ]; then
        mkdir -p "$(dirname "$2")"
        sed -e "s|/usr/local/bin/memnode|$prefix/bin/memnode|" \
            -e "s|<string>nobody</string>|<string>${SUDO_USER:-nobody}</string>|" \
            "$1" >"$2.new"
        chmod 644 "$2.new"
        mv "$2.new" "$2"
    fi
    wrote "$2"
}

install_config() {
    config=$service_root/etc/memcloud/memnode.toml
    if [ -e "$config" ]; then
        say "kept: $config"
    else
        install_file "$files/memnode.toml" "$config"
    fi
}

install_service() {
    system=$1
    install_config
    case $system in
    systemd)
        install_file "$files/systemd/memnode.service" \
            "$service_root/etc/systemd/system/memnode.service"
        [ -z "$service_root" ] || return 0
        run systemctl daemon-reload
        run systemctl enable memnode
        run systemctl restart memnode
        ;;
    launchd)
        plist=$service_root/Library/LaunchDaemons/io.memcloud.memnode.plist
        install_file "$files/launchd/io.memcloud.memnode.plist" "$plist"
        [ -z "$service_root" ] || return 0
        run launchctl bootout system/io.memcloud.memnode 2>/dev/null || true
        run launchctl bootstrap system "$plist"
        ;;
    esac
}

# Prints which manager of services there is.
service_manager() {
    if [ "$(uname)" = Darwin ]; then
        say launchd
    elif [ -n "$service_root" ] || [ -d /run/systemd/system ]; then
        say systemd
    else
        say none
    fi
}

main() {
    here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
    source=$(dirname "$here")
    files=$here
    prefix= service=yes service_root= dry_run=no show_version=no
    while [ $# -gt 0 ]; do
        case $1 in
        --prefix | --service-root)
            [ $# -gt 1 ] && [ -n "$2" ] || misused "$1 needs a directory"
            if [ "$1" = --prefix ]; then prefix=$(absolute "$2"); else service_root=$(absolute "$2"); fi
            shift
            ;;
        --no-service) service=no ;;
        --dry-run) dry_run=yes ;;
        --version) show_version=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        -*) misused "there is no option $1" ;;
        *) source=$(absolute "$1") ;;
        esac
        shift
    done
    check_source "$source"
    if [ "$show_version" = yes ]; then
        say "memcloud $(version_of "$source")"
        exit 0
    fi

    is_root=no
    if [ "$(id -u)" = 0 ]; then is_root=yes; fi
    if [ -z "$prefix" ]; then
        if [ "$is_root" = yes ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
    fi
    case $prefix in
    *[[:space:]\|\&]*) misused "--prefix cannot be '$prefix': no spaces, | or &" ;;
    esac
    venv=$prefix/lib/memcloud/venv
    python=$(find_python)
    manager=$(service_manager)
    if [ "$service" = yes ] && [ -z "$service_root" ] && [ "$is_root" = yes ]; then
        case $prefix/ in
        /home/* | /root/* | /tmp/* | /var/tmp/*)
            fail "the service may not look into $prefix: use another --prefix, or --no-service"
            ;;
        esac
    fi
    check_link "$prefix/bin/memnode"
    check_link "$prefix/bin/memcli"

    say "MemCloud $(version_of "$source") into $prefix, with $python"
    install_packages
    if [ "$service" = no ]; then
        say "no service: --no-service"
    elif [ -z "$service_root" ] && [ "$is_root" = no ]; then
        service=no
        say "no service: only root can install one"
    elif [ "$manager" = none ]; then
        service=no
        say "no service: neither systemd nor launchd runs here"
    else
        install_service "$manager"
    fi

    say ""
    say "Next:"
    case :$PATH: in
    *:"$prefix/bin":*) ;;
    *) say "  PATH=$prefix/bin:\$PATH" ;;
    esac
    if [ "$service" = no ]; then say "  memcli node start"; fi
    say "  memcli status"
}

main "$@"
