#!/bin/sh
# SPDX-License-Identifier: MIT
# Checks format, static analysis, and the rules of the house. usage: tools/lint.sh BUILD
set -u

cd "$(dirname "$0")/.."
build=$1
failed=0
complain() {
    echo "lint: $1" >&2
    failed=1
}

sources=$(git ls-files '*.c' '*.h')

# shellcheck disable=SC2086
clang-format-14 --dry-run -Werror $sources || complain "run clang-format-14 -i on the files above"

# Only one folder touches table words that other threads may be writing. src/folio, src/sync and src/space have shared words of
# their own: counts of folios, readers' marks; threads of src/roots share what they have judged. src/base/tsan.h names orders.
found=$(grep -nE '__atomic_|_Atomic|volatile|stdatomic' $sources |
    grep -vE '^(src/(access|folio|sync|space|mm|roots)/|src/base/tsan\.h|include/pagewalk/(lab|cpu)\.h|lab/|tests/|bench/|examples/)' | grep -v 'sig_atomic_t' |
    grep -vE '^(src/memory/guard\.c|src/base/cancel\.h|cli/)') &&
    complain "atomics outside src/access, src/folio, src/sync, src/space, src/mm and src/roots (and the flags that signal handlers set):
$found"

# shellcheck disable=SC2086
found=$(wc -l $sources | awk '$2 != "total" && $1 > ($2 ~ /^src\/format\/.*\.h/ ? 400 : 600)')
[ -z "$found" ] || complain "files that are too long (400 lines for a format, 600 otherwise):
$found"

# shellcheck disable=SC2086
found=$(awk 'FNR == 1 { start = 0 } /^{$/ { start = FNR } /^}/ && start { if (FNR - start >= 70) print FILENAME ":" start
    start = 0 }' $sources)
[ -z "$found" ] || complain "functions of more than 70 lines:
$found"

# A source begins with a comment about its purpose; src/instance/ has only one line for each format.
# shellcheck disable=SC2086
found=$(awk 'FNR == 2 && FILENAME ~ /\.c$/ && FILENAME !~ /^src\/instance\// && !/^\/\*/ { print FILENAME }' $sources)
[ -z "$found" ] || complain "sources without a first comment:
$found"

found=$(grep -LE 'SPDX-License-Identifier: MIT' $sources)
[ -z "$found" ] || complain "files without a licence line:
$found"

# Includes go in one direction.
found=$(tools/layers.py tools/layers.txt) || complain "$found"
found=$(grep -nE '#include "' $(git ls-files 'cli/*.c' 'examples/*.c') | grep -vE '"((cli|cli/sim|lab/fold)/)?[a-z_]+\.(h|inc)"|"view/(page|svg)\.h"|"base/(escape|folder|names|number|processors|put|replace)\.h"') &&
    complain "the tool uses more than the public headers, and the code that it shares with drawings and files of the library:
$found"

found=$(grep -nE 'argp_(error|failure)\(' $(git ls-files 'cli/*.c') | grep -v '^cli/usage\.c:') &&
    complain "argp's own messages do not escape arguments (cli/usage.h does):
$found"

cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
    --enable=warning,performance,portability --suppressions-list=tools/cppcheck.txt \
    -Iinclude -Isrc -j2 src cli || complain "cppcheck found the above"

if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning man/*.[1-9] || complain "mandoc found the above"
fi

# clang-tidy reads the compiler's options, without those that only gcc understands; .clang-tidy lists
# the checks. The laboratory compiles the library's sources a second time, which says nothing new. arm64's vectors
# need that processor's compiler.
told=$(mktemp -d)
sed -E 's/ (-fno-(partial-inlining|ipa-cp|ipa-sra)|--param=[a-z-]+=[0-9]+)//g' \
    "$build/compile_commands.json" |
    python3 -c 'import json, sys
json.dump([c for c in json.load(sys.stdin) if "-fsanitize=thread" not in c["command"]], sys.stdout)' \
        >"$told/compile_commands.json"
# shellcheck disable=SC2046
printf '%s\n' $(git ls-files 'src/*.c' 'cli/*.c' ':!src/access/run_neon.c') |
    xargs -n 4 -P 2 clang-tidy-14 --quiet -p "$told" --extra-arg=-Wno-unused-command-line-argument \
        2>/dev/null || complain "clang-tidy found the above"
rm -r "$told"

[ $failed -eq 0 ] && echo "lint: clean"
exit $failed
