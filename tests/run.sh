#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs the tests:
#
#   sh tests/run.sh          a few minutes on two cores
#   sh tests/run.sh --full   also: all in one static library, sanitizers, Valgrind, Clang with warnings as errors,
#                            ten minutes per fuzzer. Two hours on two cores; with names behind it only these parts:
#                            main static fuzzers asan tsan valgrind clang
#
# Exit status 0 when everything passes. Folders build-test* are kept and used again by the next run.
# JOBS sets how much runs at once. Tests that need ../shared say so and are skipped without it.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
all_parts="main static fuzzers asan tsan valgrind clang"
full=no
parts="main fuzzers"
if [ "${1:-}" = --full ]; then
  full=yes
  shift
  parts=${*:-$all_parts}
  set --
fi
for name in "$@" $parts; do
  case " $all_parts " in
    *" $name "*) [ $# -eq 0 ] && continue ;;
  esac
  echo "usage: sh tests/run.sh [--full [$(echo "$all_parts" | tr ' ' '|')]...]" >&2
  exit 2
done
wanted() {
  case " $parts " in *" $1 "*) true ;; *) false ;; esac
}
exec </dev/null
cd "$root" || exit 1
. "$root/examples/install-packages.sh"
test_packages="gcc libc6-dev binutils python3 libcmocka-dev clang libclang-rt-dev"
[ "$full" = no ] || test_packages="$test_packages valgrind"
install_missing $build_packages $test_packages || exit 1

jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
fuzz_seconds=12
[ "$full" = no ] || fuzz_seconds=600
begin=$(date +%s)
failed=
logs="$root/build-test-logs"
rm -rf "$logs"
mkdir -p "$logs"

# part NAME COMMAND...: runs it, its output into a file that is shown when it fails.
part() {
  part_name=$1
  shift
  printf '%-36s ' "$part_name"
  part_begin=$(date +%s)
  part_log="$logs/$(echo "$part_name" | tr ' ,' '--').log"
  part_result=ok
  "$@" >"$part_log" 2>&1 || part_result=FAILED
  echo "$part_result ($(($(date +%s) - part_begin)) s)"
  [ "$part_result" = ok ] && return 0
  failed="$failed\n  $part_name: $part_log"
  tail -n 60 "$part_log"
  return 1
}

# configured FOLDER OPTION...: a build folder with these options; made anew when they have changed.
configured() {
  folder=$1
  shift
  if [ -f "$folder/build.ninja" ] && [ "$(cat "$folder/options" 2>/dev/null)" = "$*" ]; then return 0; fi
  rm -rf "$folder"
  meson setup "$folder" "$root" "$@" && echo "$*" >"$folder/options"
}

# build FOLDER TARGETS OPTION...
build() {
  folder=$1 targets=$2
  shift 2
  # shellcheck disable=SC2086
  configured "$folder" "$@" && ninja -C "$folder" -j "$jobs" $targets
}

# tested FOLDER ARGUMENT...: meson test there; what was skipped and why goes into the summary.
tested() {
  folder=$1
  shift
  meson test -C "$folder" --no-rebuild --num-processes "$jobs" --print-errorlogs "$@"
}

# build_and_test FOLDER ARGUMENT...: the same for some tests, of which only what they need is built.
build_and_test() {
  folder=$1
  shift
  meson test -C "$folder" --num-processes "$jobs" --print-errorlogs "$@"
}

# What was skipped in a build folder, with the last line that each such test printed.
skipped_tests() {
  python3 - "$1/meson-logs/testlog.json" <<'END'
import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    test = json.loads(line)
    if test.get("result") == "SKIP":
        words = (test.get("stdout") or test.get("stderr") or "").strip().splitlines()
        print("skipped:", test["name"] + (": " + words[-1] if words else ""))
END
}

# fuzzed FOLDER NAME...: these targets for a while, two at a time; a crash leaves its input in the log folder.
fuzz_one() {
  target=$1 name=$2
  mkdir -p "$logs/corpus-$name"
  ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
    "$target" -max_total_time="$fuzz_seconds" -timeout=20 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
    -artifact_prefix="$logs/$name-" "$logs/corpus-$name" "$root/tests/fuzz/corpus/$name" >"$logs/fuzz-$name.log" 2>&1
}
fuzzed() {
  folder=$1
  outcome=0
  shift
  while [ $# -gt 0 ]; do
    first=$1 second=${2:-}
    shift
    [ -z "$second" ] || shift
    fuzz_one "$folder/tests/fuzz/fuzz_$first" "$first" &
    job=$!
    [ -z "$second" ] || fuzz_one "$folder/tests/fuzz/fuzz_$second" "$second" || outcome=1
    wait "$job" || outcome=1
    for name in $first $second; do
      runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/fuzz-$name.log")
      echo "$name: ${runs:-stopped early}"
      [ -n "$runs" ] || tail -n 40 "$logs/fuzz-$name.log"
    done
  done
  rm -rf "$logs"/corpus-*
  return $outcome
}
clang_with() { CC=clang CXX=clang++ "$@"; }

# Compiling takes most of the time: the short run optimises little (kernels have their own flags).
optimization=1
[ "$full" = no ] || optimization=3
main="$root/build-test"
if (wanted main || wanted valgrind) && part "build" build "$main" all -Dbuildtype=release -Doptimization=$optimization -Ddefault_library=both && wanted main; then
  part "tests" tested "$main"
  # Every sampler with every path and hyperschedule, not a choice of them.
  [ "$full" = no ] || TEMPER_ALL_CASES=1 part "tests, all exact samplers" tested "$main" --suite exactness --timeout-multiplier 10
fi

# The other way to put the library together. Only its border is of interest there, and it compiles everything again.
if wanted static; then
  builtin="$root/build-test-builtin"
  if part "configure, all in one static library" configured "$builtin" -Dbuildtype=plain -Doptimization=0 \
    -Ddefault_library=static -Dbackends_linkage=builtin -Dexamples=false; then
    part "build and tests, one static library" build_and_test "$builtin" --suite abi --suite api
  fi
fi

if ! wanted fuzzers; then
  :
elif command -v clang++ >/dev/null 2>&1; then
  fuzzing="$root/build-test-fuzz"
  fuzzers="safetensors config tokenizer merges"
  # Sessions need the whole library once more, which takes too long for the short run.
  [ "$full" = no ] || fuzzers="$fuzzers session"
  targets=
  for name in $fuzzers; do
    targets="$targets tests/fuzz/fuzz_$name"
  done
  if part "build, fuzzers" clang_with build "$fuzzing" "$targets" -Dfuzzing=true -Dexamples=false \
    -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug -Doptimization=1; then
    # shellcheck disable=SC2086
    part "fuzzers, $fuzz_seconds s each" fuzzed "$fuzzing" $fuzzers
  fi
else
  echo "fuzzers: skipped, there is no clang"
fi

slow="--timeout-multiplier 10"
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
if wanted asan; then
  sanitized="$root/build-test-asan"
  if part "build, ASan and UBSan" build "$sanitized" all -Db_sanitize=address,undefined -Db_lundef=false \
    -Dbuildtype=debug -Doptimization=1; then
    # shellcheck disable=SC2086
    part "tests, ASan and UBSan" tested "$sanitized" $slow
  fi
fi
if wanted tsan; then
  threaded="$root/build-test-tsan"
  # Only the tests that are about threads, and what they need.
  if part "configure, TSan" configured "$threaded" -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debug \
    -Doptimization=1 -Dexamples=false; then
    # shellcheck disable=SC2086
    TSAN_OPTIONS="suppressions=$root/tests/tsan.supp" \
      part "build and tests, TSan" build_and_test "$threaded" $slow --suite threaded
  fi
fi
if wanted valgrind; then
  # shellcheck disable=SC2086
  part "tests, Valgrind" tested "$main" $slow --suite api \
    --wrapper "valgrind --quiet --leak-check=full --error-exitcode=9 --errors-for-leak-kinds=definite"
fi
if wanted clang; then
  if part "build, Clang" clang_with build "$root/build-test-clang" all -Dbuildtype=debugoptimized -Dwerror=true; then
    part "tests, Clang" tested "$root/build-test-clang"
  fi
fi

echo
[ ! -f "$main/meson-logs/testlog.json" ] || skipped_tests "$main" || true
echo "$(($(date +%s) - begin)) s in all"
if [ -n "$failed" ]; then
  # shellcheck disable=SC2059
  printf "FAILED:$failed\n"
  exit 1
fi
echo "all passed"
