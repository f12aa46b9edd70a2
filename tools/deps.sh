#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes sure that the Debian packages of the named groups are installed: installs them when run as
# root, prints the one line to run otherwise.
# usage: tools/deps.sh GROUP...    groups: build test lint sanitize cross html bench fold guests
set -eu

here=$(dirname "$0")

packages_of() {
    case $1 in
    build)    echo "gcc libc6-dev meson ninja-build pkg-config libsmartcols-dev liblzma-dev liburcu-dev" ;;
    test)     echo "libcmocka-dev python3 binutils libkdumpfile-dev" ;;
    lint)     echo "clang-format clang-tidy cppcheck mandoc" ;;
    sanitize) echo "clang libclang-rt-14-dev" ;;
    cross)    echo "gcc-i686-linux-gnu libc6-dev-i386-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user" ;;
    # Node.js often comes from elsewhere than Debian, with an npm of its own.
    html)     command -v npm >/dev/null && echo chromium || echo "chromium npm" ;;
    bench)    echo "libkdumpfile-dev" ;;
    fold)     echo "valgrind binutils" ;;
    guests)   sed 's/#.*//' "$here/../tests/guests/packages.txt" | tr '\n' ' ' ;;
    *)        echo "deps.sh: no group of packages is called '$1'" >&2; exit 2 ;;
    esac
}

missing=
for group in "$@"; do
    list=$(packages_of "$group")
    for package in $list; do
        if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
            missing="$missing $package"
        fi
    done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "pagewalk: packages are missing. Install them with:" >&2
    echo "  sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "pagewalk: installing$missing" >&2
install() {
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=600 \
        install --no-install-recommends $missing >/dev/null
}
# The package lists of a fresh machine are empty, and those of an old one may be stale.
install 2>/dev/null || { apt-get -qq update || true; install; }
