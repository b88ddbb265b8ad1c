#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into an empty folder, moves that elsewhere, and builds programs against it, as users would:
#
#   install_test.sh MESON BUILD PREFIX LIBDIR KINDS CC SOURCES MODEL MODULE...
#
# KINDS: shared, static or both. SOURCES: the folder of this test. MODULE: backends that must be installed.
set -eu
meson=$1 build=$2 prefix=$3 libdir=$4 kinds=$5 cc=$6 sources=$7 model=$8
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

$meson install -C "$build" --no-rebuild --quiet --strip --destdir "$work/root"
# Nothing may depend on the folder that was configured.
root="$work/moved here"
mv "$work/root$prefix" "$root"
rm -rf "$work/root"
libraries="$root/$libdir"

# ---- what there is ----
[ -f "$root/include/temper/temper.h" ] || fail "no headers"
[ -f "$root/include/temper/backend.h" ] || fail "no header for backends"
echo '#include <temper/backend.h>' | $cc -fsyntax-only -I"$root/include" -x c - || fail "backend.h doesn't compile alone"
[ -f "$libraries/pkgconfig/temper.pc" ] || fail "no temper.pc"
for module in "$@"; do
  [ -f "$libraries/temper/libtemper-$module.so" ] || fail "no module for $module"
done
[ ! -f "$libraries/libtemper.a" ] || strip --strip-debug "$libraries/libtemper.a"
tree=$(cd "$sources/../.." && pwd)
for folder in "$build" "$tree"; do
  if grep -rl "$folder" "$root"; then fail "an installed file names $folder"; fi
done

# ---- the program, started through a link from another folder by a relative name ----
if [ -x "$root/bin/temper" ]; then
  [ -f "$root/share/man/man1/temper.1" ] || fail "no manual page"
  [ ! -f "$model/config.json" ] || [ -f "$root/share/temper/model/config.json" ] || fail "no model"
  mkdir "$work/elsewhere"
  ln -s "$root/bin/temper" "$work/elsewhere/temper"
  (cd "$work" && elsewhere/temper info --backends --json >backends.json) || fail "the program doesn't start"
  if [ "$kinds" != static ]; then
    for module in "$@"; do
      grep -q "moved here/.*/libtemper-$module.so" "$work/backends.json" || fail "the program doesn't find $module"
    done
  fi
fi

export PKG_CONFIG_PATH="$libraries/pkgconfig"
# Flags, quoted by pkg-config for the shell: the folder has a space in its name.
build_with() {
  output=$1
  shift
  eval "$cc -std=c11 $* -o $output"
}
# Away from the tree, so that nothing of it can be found by accident.
cp "$sources/outside.c" "$work/program.c"
cp "$sources/plugin.c" "$sources/host.c" "$sources/../support/proc_self.h" "$work/"
cd "$work"
[ "$(pkg-config --modversion temper)" ] || fail "no version"

if [ "$kinds" != static ]; then
  [ -f "$libraries/libtemper.so.0" ] || fail "no libtemper.so.0"
  needed=$(readelf -d "$libraries/libtemper.so.0" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  for library in $needed; do
    case $library in
      libc.so.* | libm.so.* | libstdc++.so.* | libgcc_s.so.* | libpthread.so.* | libdl.so.* | ld-linux*) ;;
      libdnnl.so.* | libopenblas.so.*) [ $# -eq 0 ] || fail "the library needs $library, which is the modules'" ;;
      *) fail "the library needs $library" ;;
    esac
  done
  build_with shared program.c "$(pkg-config --cflags --libs temper)"
  LD_LIBRARY_PATH="$libraries" ./shared "$model" "$libraries" "$@" || fail "the program with the shared library"
  # A link to the library alone, and a relative name: modules are beside the real file.
  ln -s "$libraries/libtemper.so.0" libtemper.so.0
  LD_LIBRARY_PATH=. ./shared "$model" "$libraries" "$@" >link.txt || fail "the library reached by a link: $(cat link.txt)"
  rm libtemper.so.0
fi
if [ "$kinds" != shared ]; then
  [ -f "$libraries/libtemper.a" ] || fail "no libtemper.a"
  flags=$(pkg-config --cflags --static --libs temper | sed 's/-ltemper\b/-l:libtemper.a/')
  build_with static program.c "$flags"
  if readelf -d static | grep -q 'NEEDED.*libtemper'; then fail "not linked statically"; fi
  ./static "$model" || fail "the program with the static library"

  # What a program doesn't use isn't linked: one that asks for the version alone is small.
  cat >small.c <<'END'
#include <temper/temper.h>
int main(void) { return temper_version() == 0; }
END
  build_with small -Wl,--gc-sections small.c "$flags"
  strip small
  strip -o whole static
  size=$(wc -c <small)
  whole=$(wc -c <whole)
  [ $((size * 20)) -lt "$whole" ] || fail "a program that asks for the version has $size bytes of $whole"

  # A plugin keeps the library to itself, and takes it along when it goes.
  build_with plugin.so -fPIC -shared plugin.c "$flags"
  if nm -D --defined-only plugin.so | grep ' temper_'; then fail "the plugin exports the library"; fi
  build_with host host.c -ldl
  ./host ./plugin.so "$model" || fail "the plugin"
fi

if command -v cmake >/dev/null 2>&1; then
  cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.13)
project(outside C)
find_package(temper 0.1 REQUIRED)
foreach(kind temper static)
  if(TARGET temper::${kind})
    add_executable(with_${kind} program.c)
    target_link_libraries(with_${kind} temper::${kind})
  endif()
endforeach()
END
  cmake -S . -B with-cmake -DCMAKE_PREFIX_PATH="$root" >cmake.txt 2>&1 && cmake --build with-cmake >>cmake.txt 2>&1 ||
    fail "CMake: $(cat cmake.txt)"
  for kind in temper static; do
    [ ! -x with-cmake/with_$kind ] || ./with-cmake/with_$kind "$model" || fail "the program with temper::$kind"
  done
  [ -x with-cmake/with_temper ] || fail "no target temper::temper"
  sed -i 's/temper 0.1/temper 1.0/' CMakeLists.txt
  if cmake -S . -B newer -DCMAKE_PREFIX_PATH="$root" >cmake.txt 2>&1; then fail "CMake takes any version"; fi
else
  echo "without CMake: it isn't installed"
fi
echo ok
