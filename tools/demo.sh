#!/bin/sh
# SPDX-License-Identifier: MIT
# Shows the main use on a real image that comes with pagewalk: page tables of a Linux 6.1 process on s390x.
# Its address space has 3 levels, and the explained walk crosses a 2 GiB boundary. At such a boundary, two
# levels that this address space does not have once made the kernel pin the wrong page.
# usage: tools/demo.sh PAGEWALK
set -eu

pagewalk=$1
PAGEWALK_SAMPLES=$(cd "$(dirname "$0")/.." && pwd)/tests/images
export PAGEWALK_SAMPLES

say() {
    printf '\n$ pagewalk %s\n' "$*"
    "$pagewalk" "$@"
}

echo "The address map of a process of a real s390x guest, drawn from its page tables (a part of it):"
say map sample:s390x --cpu 2 0x40000000-0x1ffffffff

echo
echo "One address, walked from the root to its page:"
say explain sample:s390x --cpu 2 0x7ffff000

echo
echo "Two pages on either side of 2 GiB: where the walk is cropped, at which level it iterates, and why:"
say explain sample:s390x --cpu 2 0x7ffff000-0x80000fff

cat <<END

The same for eight more real kernels: sample:x86_64, arm64, ppc64le, ... (ls tests/images).
Step through a walk in a browser:   $pagewalk explain sample:s390x --cpu 2 0x7ffff000 --html walk.html
END
