#!/bin/bash
# SPDX-License-Identifier: MIT
# Follows README as a newcomer, in bare installations of Debian that debootstrap makes: a clone, then the
# commands of the section "Two commands". Only Debian's required packages and apt are installed, so this
# notices a package that pagewalk needs but neither installs nor names. In trixie the commands
# run as an ordinary user, and root installs the packages that `make` names; in the others they run as root.
#
# With --one, the commit's name chooses one of the suites. Downloads stay outside the
# tree, in ~/.cache/pagewalk/roots or $PAGEWALK_CACHE/roots; the roots are removed.
# usage: tools/roots.sh [--one] [SUITE]...      suites: bookworm trixie sid
#        MIRROR=... names an archive; otherwise it is the one that apt here uses.
set -eu -o pipefail

cd "$(dirname "$0")/.."
cache=${PAGEWALK_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pagewalk}/roots
architecture=$(dpkg --print-architecture)
all=(bookworm trixie sid)
days=7 # for which a bare installation is kept

[ "$(id -u)" -eq 0 ] || { echo "roots.sh: chroot and debootstrap need root" >&2; exit 1; }
one=
[ "${1:-}" != --one ] || { one=1; shift; }
suites=("$@")
[ $# -gt 0 ] || suites=("${all[@]}")
if [ -n "$one" ]; then
    commit=$(git rev-parse HEAD)
    suites=("${suites[0x${commit:0:7} % ${#suites[@]}]}")
    echo "roots: commit ${commit:0:12} chooses ${suites[0]}; \`make check-roots' does ${all[*]}"
fi

# The archive from which this machine's own release comes.
mirror() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --format '$(SITE) $(RELEASE)' |
        awk -v wanted="$codename" '$2 == wanted { print $1; found = 1; exit }
                                   { last = $1 } END { if (!found) print last }'
}
mirror=${MIRROR:-$(mirror)}
[ -n "$mirror" ] || { echo "roots.sh: apt has no archive here; name one: MIRROR=... make check-roots" >&2; exit 1; }

mkdir -p "$cache"
# Removes the roots of a run that was killed.
for left in "${TMPDIR:-/var/tmp}"/pagewalk-roots.*; do
    pid=${left#*/pagewalk-roots.}
    [ ! -d "$left" ] || kill -0 "${pid%.*}" 2>/dev/null || rm -rf --one-file-system "$left"
done
work=$(mktemp -d "${TMPDIR:-/var/tmp}/pagewalk-roots.$$.XXXXXX")
job=
cleanup() {
    [ -z "$job" ] || kill -KILL "$job" 2>/dev/null || true
    # Its mounts were in a name space that ended with its processes.
    rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# Runs a command so that a signal to this script ends it at once.
wait_for() {
    "$@" </dev/null &
    job=$!
    local status=0
    wait "$job" || status=$?
    job=
    return $status
}

# A bare installation of suite $1 as $work/$1, from the cache if one is there.
bare() {
    local suite=$1 tar=$cache/$1-$architecture.tar
    find "$cache" -maxdepth 1 -name "$suite-$architecture.tar*" -mtime +$((days - 1)) -delete
    if [ ! -e "$tar" ]; then
        mkdir -p "$cache/debs-$suite"
        wait_for unshare --mount --mount-proc --pid --fork --kill-child debootstrap \
            --variant=minbase --arch="$architecture" --cache-dir="$(realpath "$cache/debs-$suite")" \
            "$suite" "$work/$suite" "$mirror" >"$work/$suite.log" 2>&1 || {
            tail -n 20 "$work/$suite.log"
            return 1
        }
        tar -C "$work/$suite" -cf "$tar.$$" . && mv "$tar.$$" "$tar"
    else
        mkdir "$work/$suite"
        wait_for tar -C "$work/$suite" -xf "$tar"
    fi
    # This installation need not survive a power cut.
    echo force-unsafe-io >"$work/$suite/etc/dpkg/dpkg.cfg.d/unsafe-io"
    apt-config dump | grep -i '^Acquire::https\?::Proxy ' >"$work/$suite/etc/apt/apt.conf.d/proxy" || true
    # A mirror may be a snapshot of sid, whose lists are valid for a week only.
    echo 'Acquire::Check-Valid-Until "false";' >"$work/$suite/etc/apt/apt.conf.d/snapshot"
    cp -L /etc/resolv.conf "$work/$suite/etc/resolv.conf"
    mkdir -p "$cache/archives-$suite"
    find "$cache/archives-$suite" -name '*.deb' -mtime +60 -delete
    find "$cache/archives-$suite" -name '*.deb' -exec cp -pt "$work/$suite/var/cache/apt/archives" {} +
}

# Runs command $3 as user $2 of suite $1, as after a login, in the clone; with /proc and /dev as containers
# have them. The process name space ends all processes that the command started.
inside() {
    # shellcheck disable=SC2016
    wait_for unshare --mount --pid --fork --kill-child sh -c '
        mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" || exit
        exec chroot "$1" su -l "$2" -s /bin/sh -c "cd /srv/pagewalk && $3"' - "$work/$1" "$2" "$3"
}

# A clone, as newcomers get it: without the other files of this folder.
clone() {
    [ "$2" = root ] || chroot "$work/$1" useradd --create-home "$2"
    git clone --quiet --no-hardlinks . "$work/$1/srv/pagewalk"
    chroot "$work/$1" chown -R "$2:$2" /srv/pagewalk
}

# `make` as user $2 of suite $1 has to name packages; root installs them.
named_packages() {
    local packages
    if inside "$1" "$2" make >"$work/says" 2>&1; then
        echo "make named no packages, and all was there"
        return 1
    fi
    cat "$work/says"
    packages=$(sed -n 's/^  apt-get install //p' "$work/says")
    [ -n "$packages" ] && inside "$1" root "apt-get -qq install -y $packages"
}

timed() { # what, command...
    local what=$1 start=$SECONDS status=0
    shift
    "$@" >"$work/log" 2>&1 || status=$?
    if [ $status -eq 0 ]; then
        echo "roots: $suite: $what ($((SECONDS - start)) s)"
    else
        echo "roots: $suite: FAILED: $what ($((SECONDS - start)) s):"
        tail -n 80 "$work/log"
        cp "$work/log" "$cache/$suite-failed.log"
        echo "roots: its whole output is in $cache/$suite-failed.log"
    fi
    return $status
}

newcomer() {
    local suite=$1 user=root command
    [ "$suite" != trixie ] || user=newcomer
    timed "bare installation" bare "$suite" && timed "clone" clone "$suite" "$user" || return
    while read -r command; do
        case $user:$command in
        newcomer:apt-get*)
            timed "$command" inside "$suite" root "$command" &&
                timed "packages that make names" named_packages "$suite" "$user" ;;
        *)  timed "$command" inside "$suite" "$user" "$command" ;;
        esac || return
    done <"$work/commands"
}

# The first code block of that section; text after # is for people. The next one says the same in meson's words.
sed -n '/^## Two commands/,/^On other systems/s/^    \([^#]*[^# ]\).*/\1/p' README.md >"$work/commands"
[ "$(grep -c '^make ' "$work/commands")" -eq 2 ] || { echo "roots.sh: README's commands are not two of make" >&2; exit 1; }
failed=0
for suite in "${suites[@]}"; do
    if newcomer "$suite"; then
        archives=$work/$suite/var/cache/apt/archives
        find "$archives" -maxdepth 1 -name '*.deb' -newer "$work/commands" -exec cp -pt "$cache/archives-$suite" {} +
    else
        failed=$((failed + 1))
        # The files of an earlier run may be to blame; the next run starts without them.
        tar=$cache/$suite-$architecture.tar
        [ "$tar" -nt "$work/commands" ] || rm -rf "$tar" "$cache/archives-$suite"
    fi
    rm -rf --one-file-system "${work:?}/$suite"
done
echo "roots: $((${#suites[@]} - failed)) of ${#suites[@]} passed"
[ $failed -eq 0 ]
