#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes BUILD/share/pagewalk, where the tool of a build folder finds the images and scripts that come with pagewalk.
# usage: tools/share.sh BUILD
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1/share/pagewalk"
ln -sfn "$top/tests/images" "$1/share/pagewalk/samples"
ln -sfn "$top/cli/sim/scripts" "$1/share/pagewalk/sim"
