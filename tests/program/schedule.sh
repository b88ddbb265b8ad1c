# SPDX-License-Identifier: Apache-2.0
# Grids of hyperschedules: the rows that the specification gives (MATH 3.2).
. "$(dirname "$0")/common.sh"

# grid LENGTH KIND WIDTH LEVELS ROW...
grid() {
  length=$1 kind=$2 width=$3 levels=$4
  shift 4
  printf '%s\n' "$@" >"$work/wanted"
  expect 0 "$temper" schedule "$kind" -n "$length" -w "$width" -l "$levels" --plain
  cmp -s "$work/out" "$work/wanted" || fail "$kind($length;$width,$levels): $(tr '\n' ' ' <"$work/out")"
}

grid 5 block 2 2 22222 11222 00222 00112 00002 00001 00000
grid 6 slide 4 2 222222 112222 001122 000011 000000
grid 5 slide 2 4 44444 34444 24444 13444 02444 01344 00244 00134 00024 00013 00002 00001 00000
grid 6 slide-jump 4 2 222222 001122 000011 000000
grid 5 slide-jump 2 4 44444 13444 02444 01344 00244 00134 00024 00013 00002 00001 00000
grid 5 hybrid 3 2 22222 12222 01222 00122 00022 00012 00001 00000
grid 4 quench 1 1 1111 0111 0011 0001 0000
grid 4 flat 1 3 3333 2222 1111 0000

# Calls, and rows of a causal model with a cache (MATH 3.4).
# cost LENGTH KIND WIDTH LEVELS CALLS ROWS
cost() {
  expect 0 "$temper" schedule "$2" -n "$1" -w "$3" -l "$4" --json
  "$check_json" "/calls=$5" "/rows_computed=$6" "/levels=$([ "$2" = quench ] && echo 1 || echo "$4")" "/grid/$5" \
    <"$work/out" || fail "$2($1;$3,$4)"
}

cost 8 block 4 4 8 36
cost 8 block 4 2 4 20
cost 8 slide 4 4 11 39
cost 8 slide 4 2 5 22
cost 8 slide 4 8 22 71
cost 8 flat 8 4 4 32
cost 8 quench 1 1 8 15
cost 8 hybrid 4 4 14 39
cost 1024 slide 16 4 259 5116

expect 0 "$temper" schedule
grep -q 'slide, width 8, levels 8' "$work/out" || fail "the default isn't named"
finish
