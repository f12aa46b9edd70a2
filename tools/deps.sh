#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes sure that the packages of the named groups are installed. On Debian and its relatives, it installs
# them as root and names them as another user. Elsewhere, it says which programs and libraries to get.
# usage: tools/deps.sh GROUP...    groups: build test lint sanitize cross html bench fold guests guests-all linux linux-guest roots python site
set -eu

here=$(dirname "$0")

packages_of() {
    case $1 in
    build)    echo "gcc libc6-dev meson ninja-build pkg-config libsmartcols-dev liblzma-dev liburcu-dev libbsd-dev libjansson-dev" ;;
    test)     echo "libcmocka-dev python3 binutils libkdumpfile-dev libdw-dev python3-jsonschema" ;;
    lint)     echo "clang-format clang-tidy cppcheck mandoc" ;;
    sanitize) echo "clang libclang-rt-14-dev" ;;
    cross)    echo "gcc-i686-linux-gnu libc6-dev-i386-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user" ;;
    # Node.js often does not come from Debian, and then brings its own npm.
    html)     command -v npm >/dev/null && echo chromium || echo "chromium npm" ;;
    bench)    echo "libkdumpfile-dev" ;;
    fold)     echo "valgrind binutils" ;;
    guests)   sed 's/#.*//' "$here/../tests/guests/packages.txt" | tr '\n' ' ' ;;
    guests-all) sed 's/#.*//' "$here/../tests/guests/packages-all.txt" | tr '\n' ' ' ;;
    linux)    echo "gcc python3 pkg-config libdw-dev" ;;
    linux-guest) echo "qemu-system-x86 gcc libc6-dev python3 e2fsprogs binutils" ;;
    roots)    echo "debootstrap" ;;
    python)   echo "python3 python3-pip python3-setuptools python3-wheel" ;;
    site)     echo "python3 python3-markdown mandoc" ;;
    *)        echo "deps.sh: no group of packages is called '$1'" >&2; exit 2 ;;
    esac
}

# The members of a group where packages have other names: "program:" or "library:" (its name for pkg-config),
# and after "=" the name for people. The tests of the tool and of dumps need nothing else.
parts_of() {
    case $1 in
    build) echo "program:cc=a_C_compiler program:meson=meson_(1.0_or_newer) program:ninja=ninja \
        program:python3=Python_3 program:pkg-config=pkg-config library:smartcols=libsmartcols_(util-linux) \
        library:liblzma=liblzma_(xz) library:liburcu-memb=liburcu_(userspace-rcu) library:libbsd=libbsd library:jansson=jansson" ;;
    test)  echo "library:cmocka=cmocka program:objdump=objdump_(binutils)" ;;
    esac
}

elsewhere() {
    lacking=
    for group in "$@"; do
        for part in $(parts_of "$group"); do
            kind=${part%%:*} name=${part#*:} words=${part#*=}
            name=${name%%=*}
            case $kind in
            program) command -v "$name" >/dev/null || lacking="$lacking, $words" ;;
            library) pkg-config --exists "$name" 2>/dev/null || lacking="$lacking, $words" ;;
            esac
        done
        [ -n "$(parts_of "$group")" ] ||
            echo "pagewalk: this machine has no apt, so nothing checks whether it has: $(packages_of "$group")" >&2
    done
    [ -n "$lacking" ] || return 0
    echo "pagewalk: this machine has no apt, which would install what is missing. Please install, with headers:" >&2
    echo "  ${lacking#, }" | tr _ ' ' >&2
    echo "libkdumpfile too if you have compressed dumps to read, and libdw for the laboratory (pagewalk lab run)." >&2
    return 1
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    elsewhere "$@"
    exit
fi

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
    echo "pagewalk: packages are missing. Install them as root with:" >&2
    echo "  apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

log=$(mktemp)
beat=
trap '[ -z "$beat" ] || kill -KILL "$beat" 2>/dev/null || true; rm -f "$log"' EXIT
trap 'exit 130' INT TERM HUP

# Downloads and the locks of other processes can take minutes: this reports apt's progress from time to time. A signal
# that can be caught may be lost while the new shell still has this one's traps: only KILL ends it for certain.
apt() {
    (while sleep 20 >/dev/null 2>&1; do echo "pagewalk: apt: $(tail -n 1 "$log" | cut -c 1-100)"; done) >&2 &
    beat=$!
    status=0
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" >"$log" 2>&1 </dev/null || status=$?
    kill -KILL "$beat"
    beat=
    return $status
}
# The package lists of a fresh machine are empty, and those of an old one may be stale.
echo "pagewalk: installing$missing" >&2
# shellcheck disable=SC2086
if ! apt install --no-install-recommends $missing; then
    echo "pagewalk: fetching new lists of packages" >&2
    apt update || cat "$log" >&2
    apt install --no-install-recommends $missing || {
        cat "$log" >&2
        echo "pagewalk: apt could not install$missing; its messages are above" >&2
        exit 1
    }
fi
