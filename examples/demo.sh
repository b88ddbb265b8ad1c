#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and generates text from the bundled model:
#
#   sh examples/demo.sh "Once upon a time" [options of `temper generate`]
#
# On a terminal the window is shown changing behind the settled text.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/examples/install-packages.sh"
install_missing $build_packages

build="$root/build-demo"
if [ ! -f "$build/build.ninja" ]; then
  meson setup "$build" "$root" -Dtests=false -Doptimization=1 >"$root/build-demo.log" 2>&1 || {
    cat "$root/build-demo.log" >&2
    exit 1
  }
fi
ninja -C "$build" >"$root/build-demo.log" 2>&1 || {
  cat "$root/build-demo.log" >&2
  exit 1
}
rm -f "$root/build-demo.log"

prompt=${1:-Once upon a time}
[ $# -gt 0 ] && shift
# So small a model reads better below temperature 1 and with narrow windows.
[ $# -gt 0 ] || set -- --schedule slide --width 8 --levels 16 --temperature 0.7
watch=
[ -t 1 ] && watch=--watch
exec "$build/examples/temper/temper" generate "$prompt" $watch "$@"
