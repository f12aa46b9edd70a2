#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the library and the stress program in build-stress-VARIANT and runs it: with delays at the
# moments that matter (moments.c), and for tsan and asan under that sanitizer, whose first report ends it.
# usage: tests/stress/instrumented.sh moments|tsan|asan SECONDS [FORMAT [MUTANT]]
#        tests/stress/instrumented.sh spaces-tsan|spaces-asan SECONDS [FORMAT]
set -eu

cd "$(dirname "$0")/../.."
variant=${1#spaces-}
program=stress
[ "$variant" = "$1" ] || program=stress-spaces
case $variant in
moments) sanitizers=none ;;
tsan) sanitizers=thread ;;
asan) sanitizers=address,undefined ;;
*) echo "instrumented.sh: unknown variant '$1'" >&2; exit 2 ;;
esac
build=build-stress-$variant
shift
CC=clang-14 tools/configure.sh "$build" -Db_sanitize="$sanitizers" \
    -Dmutants=true -Ddefault_library=static -Db_lundef=false -Db_ndebug=false -Dkdump=disabled \
    --optimization=1
tools/build.sh "$build" "tests/stress/$program"
export PW_TEST_QUICK=1
# The suppressions are for liburcu, and for spaces also for what programs store; the files say why.
suppressions=$PWD/tools/tsan.txt
if [ $program = stress-spaces ]; then
    suppressions=$PWD/$build/tsan.txt
    cat tools/tsan.txt tools/tsan-spaces.txt >"$suppressions"
fi
export TSAN_OPTIONS="halt_on_error=1:suppressions=$suppressions:print_suppressions=0"
export ASAN_OPTIONS="detect_stack_use_after_return=1"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
exec "$build/tests/stress/$program" "$@"
