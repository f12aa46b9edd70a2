#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the library and the stress program under a sanitizer, in build-stress-SANITIZER, and runs it.
# Any report ends the run. usage: tests/stress/sanitize.sh tsan|asan SECONDS [FORMAT]
set -eu

cd "$(dirname "$0")/../.."
case $1 in
tsan) sanitizers=thread ;;
asan) sanitizers=address,undefined ;;
*) echo "sanitize.sh: unknown sanitizer '$1'" >&2; exit 2 ;;
esac
build=build-stress-$1
shift
[ -e "$build/build.ninja" ] || CC=clang-14 meson setup "$build" -Db_sanitize="$sanitizers" \
    -Ddefault_library=static -Db_lundef=false -Db_ndebug=false -Dcli=disabled -Dbench=disabled \
    -Dkdump=disabled --optimization=1 >"$build.log" || { tail -n 20 "$build.log"; exit 1; }
ninja -C "$build" --quiet tests/stress/stress
export PW_TEST_QUICK=1
# Of liburcu only: the file says why.
export TSAN_OPTIONS="halt_on_error=1:suppressions=$PWD/tools/tsan.txt:print_suppressions=0"
export ASAN_OPTIONS="detect_stack_use_after_return=1"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
exec "$build/tests/stress/stress" "$@"
