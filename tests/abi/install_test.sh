#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into an empty folder and builds a program against that, as a user would:
#
#   install_test.sh MESON BUILD PREFIX LIBDIR KINDS CC SOURCE MODEL MODULE...
#
# KINDS: shared, static or both. MODULE: names of the backends that must be installed.
set -eu
meson=$1 build=$2 prefix=$3 libdir=$4 kinds=$5 cc=$6 source=$7 model=$8
shift 8
if ! command -v pkg-config >/dev/null 2>&1; then
  echo "skipped: there is no pkg-config"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAIL: $*"
  exit 1
}

$meson install -C "$build" --no-rebuild --quiet --destdir "$work/root"
root="$work/root$prefix"
libraries="$root/$libdir"
[ -f "$root/include/temper/temper.h" ] || fail "no headers"
[ -f "$libraries/pkgconfig/temper.pc" ] || fail "no temper.pc"
for module in "$@"; do
  [ -f "$libraries/temper/libtemper-$module.so" ] || fail "no module for $module"
done
if [ -x "$root/bin/temper" ]; then
  [ -f "$root/share/man/man1/temper.1" ] || fail "no manual page"
  LD_LIBRARY_PATH="$libraries" "$root/bin/temper" --help >/dev/null || fail "the program doesn't start"
  [ ! -f "$model/config.json" ] || [ -f "$root/share/temper/model/config.json" ] || fail "no model"
fi
if grep -rl "$build" "$root/include" "$libraries/pkgconfig"; then
  fail "an installed file names the build folder"
fi

export PKG_CONFIG_PATH="$libraries/pkgconfig"
pc() {
  pkg-config --define-variable=prefix="$root" "$@" temper
}
# Away from the tree, so that nothing of it can be found by accident.
cp "$source" "$work/program.c"
cd "$work"
[ "$(pc --modversion)" ] || fail "no version"

if [ "$kinds" != static ]; then
  [ -f "$libraries/libtemper.so.0" ] || fail "no libtemper.so.0"
  $cc -std=c11 program.c -o shared $(pc --cflags --libs)
  LD_LIBRARY_PATH="$libraries" ./shared "$model" "$libraries" "$@" || fail "the program with the shared library"
fi
if [ "$kinds" != shared ]; then
  [ -f "$libraries/libtemper.a" ] || fail "no libtemper.a"
  $cc -std=c11 program.c -o static $(pc --cflags) $(pc --static --libs | sed 's/-ltemper\b/-l:libtemper.a/')
  if readelf -d static | grep -q 'NEEDED.*libtemper'; then fail "not linked statically"; fi
  ./static "$model" || fail "the program with the static library"
fi
echo ok
