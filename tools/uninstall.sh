#!/bin/sh
# SPDX-License-Identifier: MIT
# Removes the files that `make install` has installed from a build folder, and the folders that are empty then.
# BUILD/installed.txt lists them: `make install` adds to it.
# usage: tools/uninstall.sh BUILD
set -eu

list=$1/installed.txt
if [ ! -e "$list" ]; then
    echo "pagewalk: \`make install' has installed nothing from $1; after \`meson install', try \`ninja -C $1 uninstall'" >&2
    exit 1
fi
# A folder comes after what is in it.
grep -v '^#' "$list" | sort -ru | while IFS= read -r path; do
    if [ -d "$path" ] && [ ! -h "$path" ]; then
        rmdir "$path" 2>/dev/null || true
    else
        rm -f "$path"
    fi
done
rm "$list"
