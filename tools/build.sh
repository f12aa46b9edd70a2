#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds, and reports progress on standard error: on a terminal in ninja's own line, elsewhere in one line for
# every twentieth part. Messages of the compilers are passed on.
# usage: tools/build.sh BUILD [TARGET]...
set -eu -o pipefail

build=$1
shift
! ninja -C "$build" -n "$@" 2>&1 | tail -n 1 | grep -q 'no work to do' || exit 0

export NINJA_STATUS='[%f/%t] '
[ ! -t 2 ] || exec ninja -C "$build" "$@" >&2
ninja -C "$build" "$@" 2>&1 </dev/null | {
    said=-1
    while IFS= read -r line; do
        if [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\  ]]; then
            part=$((20 * BASH_REMATCH[1] / BASH_REMATCH[2]))
            [ "$part" -eq "$said" ] || echo "pagewalk: $build: ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]} built"
            said=$part
        elif [[ $line != "ninja: Entering directory"* ]]; then
            printf '%s\n' "$line"
        fi
    done
} >&2
