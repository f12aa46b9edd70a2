#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the library and the stress program in build-stress-VARIANT and runs it: with delays at the
# moments that matter (moments.c), and for tsan and asan under that sanitizer, whose first report ends it.
# usage: tests/stress/instrumented.sh moments|tsan|asan SECONDS [FORMAT [MUTANT]]
set -eu

cd "$(dirname "$0")/../.."
case $1 in
moments) sanitizers=none ;;
tsan) sanitizers=thread ;;
asan) sanitizers=address,undefined ;;
*) echo "instrumented.sh: unknown variant '$1'" >&2; exit 2 ;;
esac
build=build-stress-$1
shift
CC=clang-14 tools/configure.sh "$build" -Db_sanitize="$sanitizers" \
    -Dmutants=true -Ddefault_library=static -Db_lundef=false -Db_ndebug=false -Dkdump=disabled \
    --optimization=1
tools/build.sh "$build" tests/stress/stress
export PW_TEST_QUICK=1
# The suppressions are for liburcu only; the file says why.
export TSAN_OPTIONS="halt_on_error=1:suppressions=$PWD/tools/tsan.txt:print_suppressions=0"
export ASAN_OPTIONS="detect_stack_use_after_return=1"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
exec "$build/tests/stress/stress" "$@"
