#!/bin/sh
# SPDX-License-Identifier: MIT
# Draws the pictures of doc/folding.md. With --check it draws nothing, and fails if the pictures in the tree are not
# those that pagewalk draws now.
# usage: tools/pictures.sh PAGEWALK [--check]
set -eu

[ $# -ge 1 ] || { sed -n '5p' "$0" >&2; exit 2; }
pagewalk=$(realpath "$1")
check=${2:-}
cd "$(dirname "$0")/../doc/folding"
drawn=$(mktemp)
trap 'rm -f "$drawn"' EXIT
stale=0

# draw NAME ARGUMENTS OF LAB FOLD
draw() {
    name=$1
    shift
    "$pagewalk" lab fold --svg - "$@" >"$drawn"
    if [ "$check" != --check ]; then
        cat "$drawn" >"$name.svg"
    elif ! cmp -s "$drawn" "$name.svg"; then
        echo "pictures.sh: doc/folding/$name.svg is not what pagewalk draws; run \`make pictures', look at it, commit it" >&2
        stale=1
    fi
}

draw s390x-3-levels --format s390x --levels 3 --strategy a,d 0x1007ffff000-0x10080000fff
draw s390x-3-cures --format s390x --levels 3 --strategy b,c,d,e 0x1007ffff000-0x10080000fff
draw s390x-3-pagewalk --format s390x --levels 3 --walk pagewalk --strategy a,c 0x1007ffff000-0x10080000fff
draw s390x-2-levels --format s390x --levels 2 --strategy a,d 0x70ff000-0x7100fff
draw s390x-4-levels --format s390x --levels 4 --strategy a,d 0x13fffffff000-0x140000000fff
draw s390x-5-levels --format s390x --levels 5 --strategy a 0x9fffffffffffff-0xa0000000000000
draw arm64-16k --format arm64_16k_47 --strategy c,d2020,d 0x123456788000
draw x86-64 --format x86_64 --strategy a,e 0x7ffffff000-0x8000000fff

# Every picture in the tree is drawn above.
for file in *.svg; do
    grep -q "^draw ${file%.svg} " "../../tools/pictures.sh" || {
        echo "pictures.sh: no command here draws doc/folding/$file" >&2
        stale=1
    }
done
exit $stale
