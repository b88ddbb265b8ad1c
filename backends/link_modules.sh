#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Libraries and programs look for modules in `temper/` beside themselves. For those that aren't installed yet this
# makes such folders in the build tree, of links to the modules that are built elsewhere:
#
#   link_modules.sh BUILD FOLDER... -- MODULE...
#
# MODULE: path in BUILD that the module will have. All other paths are in BUILD, too.
set -e
build=$1
shift
folders=
while [ "$1" != -- ]; do
  folders="$folders $1"
  shift
done
shift
for folder in $folders; do
  mkdir -p "$build/$folder/temper"
  for module in "$@"; do
    ln -sfn "$build/$module" "$build/$folder/temper/${module##*/}"
  done
done
