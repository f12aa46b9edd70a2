#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and tests a variant of pagewalk in a folder of its own, build-VARIANT.
# usage: tools/variant.sh sanitize|clang|i386|s390x
set -eu

cd "$(dirname "$0")/.."
variant=$1
build=build-$variant
case $variant in
sanitize) set -- -Db_sanitize=address,undefined -Db_ndebug=false -Db_lundef=false --optimization=1 ;;
# clang's build is not installed: it is for clang's warnings, and to run its code.
clang)    set -- --optimization=1 -Ddebug=false ;;
i386|s390x)
    # Only the library and its tests: the tool's own libraries are not unpacked for foreign machines.
    set -- --cross-file "$(tools/sysroot.sh "$variant")" -Dcli=disabled -Dbench=disabled \
        -Dkdump=disabled -Db_ndebug=false
    ;;
*) echo "variant.sh: unknown variant '$variant'" >&2; exit 2 ;;
esac
[ "$variant" != clang ] || export CC=clang-14

tools/configure.sh "$build" "$@"
tools/build.sh "$build"
# Emulated and sanitized code is slower, so tests do less if they can.
export PW_TEST_QUICK=1
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
# src/memory/kdump.c says why libkdumpfile's contexts are not freed.
export LSAN_OPTIONS="suppressions=$PWD/tools/lsan.txt:print_suppressions=0"
suites=
[ "$variant" != clang ] || suites='--suite unit --suite format --suite specialised'
# shellcheck disable=SC2086
meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 8 $suites
