#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a build folder if there is none. With WERROR=1 in the environment, warnings are errors in that folder.
# usage: tools/configure.sh BUILD [OPTION OF meson setup]...
set -eu

build=$1
shift
[ ! -e "$build/build.ninja" ] || exit 0
[ "${WERROR:-0}" = 0 ] || set -- --werror "$@"
echo "pagewalk: configuring $build" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
meson setup "$build" "$@" >"$log" 2>&1 </dev/null || {
    tail -n 20 "$log" >&2
    exit 1
}
