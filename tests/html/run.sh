#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs page.mjs, fold.mjs, sim_page.mjs, race.mjs or site.mjs with Debian's chromium and node, and with playwright-core from
# npm, which is kept in a cache outside of the tree. If one of these is missing, says so and exits with 77 (skipped).
# usage: run.sh page.mjs|fold.mjs|sim_page.mjs|race.mjs PROGRAM [FOLDER-FOR-SCREENSHOTS], or run.sh site.mjs SOURCE [FOLDER]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
script=$here/$1
shift
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pagewalk/npm
version=1.65.1

skip() {
    echo "skipped: $1"
    exit 77
}

chromium=$(command -v chromium || command -v chromium-browser) || skip "chromium is not installed (tools/deps.sh html)"
command -v node >/dev/null || skip "node is not installed (tools/deps.sh html)"
if [ ! -d "$cache/$version/node_modules/playwright-core" ]; then
    command -v npm >/dev/null || skip "npm is not installed (tools/deps.sh html), and playwright-core is not in $cache"
    mkdir -p "$cache/$version"
    npm install --silent --no-audit --no-fund --prefix "$cache/$version" "playwright-core@$version" >/dev/null 2>&1 ||
        skip "npm could not install playwright-core into $cache/$version"
fi
case $script in
*/site.mjs) /usr/bin/python3 -c 'import markdown' 2>/dev/null && command -v mandoc >/dev/null ||
    skip "mandoc or python3-markdown is not installed (tools/deps.sh site)" ;;
esac
PLAYWRIGHT=$cache/$version CHROMIUM=$chromium exec node "$script" "$@"
