#!/bin/sh
# Removes what install.sh has installed. Settings and data stay, unless --purge is given.
#
# Everything is in main, which the last line calls: a script that arrives cut off does nothing.

set -eu

usage() {
    cat <<'TEXT'
Usage: uninstall.sh [OPTIONS]

Stops and removes the service of MemCloud, memnode and memcli.

  --prefix DIR        where it was installed (default: /usr/local as root, else ~/.local)
  --service-root DIR  where the files of the service are; nothing is stopped
  --purge             remove settings, logs and state as well
  --dry-run           say what would be done, and do nothing
  -h, --help          print this
TEXT
}

say() { printf '%s\n' "$*"; }

misused() {
    printf 'uninstall.sh: %s; --help explains\n' "$*" >&2
    exit 2
}

run() {
    if [ "$dry_run" = yes ]; then
        say "would run: $*"
    else
        "$@"
    fi
}

absolute() {
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s/%s\n' "$PWD" "$1" ;;
    esac
}

# Removes a file or folder if it is there, and says so.
remove() {
    if [ -e "$1" ] || [ -L "$1" ]; then
        run rm -rf "$1"
        if [ "$dry_run" = no ]; then say "removed: $1"; fi
    fi
}

# Removes a link if it leads to what install.sh has installed.
remove_link() {
    case $(readlink "$1" 2>/dev/null || true) in
    "$prefix"/lib/memcloud/*) remove "$1" ;;
    *) if [ -e "$1" ]; then say "kept: $1 is not ours"; fi ;;
    esac
}

stop_service() {
    [ -z "$service_root" ] || return 0
    if [ -e "$unit" ] && command -v systemctl >/dev/null 2>&1; then
        run systemctl disable --now memnode || say "the service was not running"
    fi
    if [ -e "$plist" ] && command -v launchctl >/dev/null 2>&1; then
        run launchctl bootout system/io.memcloud.memnode || say "the service was not running"
    fi
}

remove_service() {
    unit=$service_root/etc/systemd/system/memnode.service
    plist=$service_root/Library/LaunchDaemons/io.memcloud.memnode.plist
    # Without these rights there is no service of ours to remove, or not for us.
    if [ -z "$service_root" ] && [ "$(id -u)" != 0 ]; then return 0; fi
    stop_service
    had_unit=no
    if [ -e "$unit" ]; then had_unit=yes; fi
    remove "$unit"
    remove "$plist"
    if [ "$had_unit" = yes ] && [ -z "$service_root" ]; then
        run systemctl daemon-reload || say "systemd does not run here"
    fi
}

# Prints the folders that outlive an uninstallation.
data_folders() {
    if [ -n "$service_root" ] || [ "$(id -u)" = 0 ]; then
        say "$service_root/etc/memcloud"
        say "$service_root/var/lib/memcloud"
        say "$service_root/var/lib/private/memcloud"
        say "$service_root/var/log/memcloud.log"
    fi
    if [ -z "$service_root" ]; then
        home=${HOME:-/root}
        say "${XDG_STATE_HOME:-$home/.local/state}/memcloud"
        say "$home/Library/Application Support/memcloud"
    fi
}

main() {
    prefix= service_root= dry_run=no purge=no
    while [ $# -gt 0 ]; do
        case $1 in
        --prefix | --service-root)
            [ $# -gt 1 ] && [ -n "$2" ] || misused "$1 needs a directory"
            if [ "$1" = --prefix ]; then prefix=$(absolute "$2"); else service_root=$(absolute "$2"); fi
            shift
            ;;
        --purge) purge=yes ;;
        --dry-run) dry_run=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) misused "there is no option $1" ;;
        esac
        shift
    done
    if [ -z "$prefix" ]; then
        if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
    fi

    remove_service
    remove_link "$prefix/bin/memnode"
    remove_link "$prefix/bin/memcli"
    remove "$prefix/lib/memcloud"
    data_folders | while IFS= read -r folder; do
        if [ "$purge" = yes ]; then
            remove "$folder"
        elif [ -e "$folder" ]; then
            say "kept: $folder (--purge removes it)"
        fi
    done
}

main "$@"
