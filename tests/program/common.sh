# SPDX-License-Identifier: Apache-2.0
# For the scripts beside it: the program, a fresh folder, and what they check with.
temper=$1
check_json=$2
work=${TEMPER_WORK:-$(mktemp -d)}
rm -rf "$work"
mkdir -p "$work"
failures=0

fail() {
  echo "FAIL: $*" >&2
  failures=$((failures + 1))
}

# expect STATUS COMMAND...: runs it, output in $work/out and $work/err.
expect() {
  wanted=$1
  shift
  status=0
  "$@" >"$work/out" 2>"$work/err" || status=$?
  if [ "$status" -ne "$wanted" ]; then
    fail "exit status $status instead of $wanted: $*"
    sed 's/^/  /' "$work/err" >&2
  fi
}

# One line on stderr that begins with the program's name.
expect_one_line() {
  lines=$(wc -l <"$work/err")
  [ "$lines" -eq 1 ] || fail "$lines lines on stderr instead of one"
  grep -q '^temper: ' "$work/err" || fail "stderr doesn't begin with the program's name: $(cat "$work/err")"
}

# The tiny random model, made once per test.
tiny_model() {
  expect 0 "$temper" bench --shape tiny --write "$work/tiny"
}

finish() {
  if [ "$failures" -eq 0 ]; then
    rm -rf "$work"
    exit 0
  fi
  echo "$failures failures; files are in $work" >&2
  exit 1
}
