#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every libFuzzer target for some seconds each, starting from the corpus in the tree.
# New inputs stay in build-fuzz/corpus. usage: tools/fuzz.sh SECONDS [TARGET...]
set -eu

cd "$(dirname "$0")/.."
seconds=$1
shift
CC=clang-14 tools/configure.sh build-fuzz -Dfuzz=true -Dcli=disabled \
    -Dbench=disabled -Db_lundef=false -Db_ndebug=false -Db_sanitize=address,undefined \
    --optimization=1
tools/build.sh build-fuzz
[ $# -gt 0 ] || set -- $(cd build-fuzz/tests/fuzz && ls | grep -E '^fuzz_[a-z_]+$')
status=0
for target in "$@"; do
    name=${target#fuzz_}
    mkdir -p "build-fuzz/corpus/$name"
    kept=tests/fuzz/corpus/$name
    [ -d "$kept" ] || kept=
    # As in tests/fuzz/meson.build.
    [ "$name" != describe ] || kept="$kept tests/oracle/formats"
    echo "fuzz: $target, $seconds s"
    # shellcheck disable=SC2086
    if ! build-fuzz/tests/fuzz/"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="build-fuzz/$target-" \
        "build-fuzz/corpus/$name" $kept >"build-fuzz/$target.log" 2>&1; then
        tail -n 40 "build-fuzz/$target.log"
        echo "fuzz: $target FAILED; the input is beside build-fuzz/$target.log"
        status=1
        continue
    fi
    grep -E 'number_of_executed_units' "build-fuzz/$target.log" || true
done
exit $status
