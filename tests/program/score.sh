# SPDX-License-Identifier: Apache-2.0
# temper score: the figures of a tiny random model's texts hang together.
. "$(dirname "$0")/common.sh"
tiny_model
score="$temper score -m $work/tiny --backend reference"
printf 'Once upon a time there was a fox.' >"$work/text"

# Quench is exact, and the tokens' parts add up.
# shellcheck disable=SC2086
expect 0 $score -s quench "$work/text"
grep -q '^nats/token .*standard error 0 (exact)' "$work/out" || fail "quench isn't exact: $(cat "$work/out")"
grep -q '^definition   exact -log p' "$work/out" || fail "no definition"
# shellcheck disable=SC2086
expect 0 $score -s quench --per-token "$work/text"
awk -F '\t' 'NF == 5 { n++; sum += $4 } /^tokens/ { tokens = $1 } /^nats/ { split($0, part, /[ ,]+/); each = part[2] }
  END { if (n < 5 || (sum / n - each)^2 > 1e-6) exit 1 }' "$work/out" || fail "the tokens don't add up"
# shellcheck disable=SC2086
expect 0 $score -s quench --json "$work/text"
"$check_json" /exact=true /nats_standard_error=0.0 /tokens=33 /bytes=33 /bits_per_byte /perplexity /definition <"$work/out" || fail "json"

# A bound: equal seeds, equal figures; with and without the cache.
for options in "-s block -w 4 -l 4" "-s flat -l 8 --samples 3" "-s slide -w 8 -l 4 --replicates 4 --batch 2"; do
  # shellcheck disable=SC2086
  expect 0 $score $options --seed 3 --json "$work/text"
  "$check_json" /exact=false /nats_per_token_standard_error <"$work/out" || fail "$options"
  grep '"nats_per_token"' "$work/out" >"$work/a"
  # shellcheck disable=SC2086
  expect 0 $score $options --seed 3 --json "$work/text"
  grep '"nats_per_token"' "$work/out" | cmp -s - "$work/a" || fail "$options: equal seeds differ"
done

# Windows: every token once, whatever the cut; a prefix isn't scored; documents end with the end token.
for cut in "--length 10" "--length 10 --stride 4" "--length 9 --stride 20"; do
  # shellcheck disable=SC2086
  expect 0 $score -s quench $cut --json --per-token "$work/text"
  "$check_json" /tokens=33 /scores/3/nats <"$work/out" || fail "$cut"
done
# shellcheck disable=SC2086
expect 0 $score -s quench --prefix 5 --json "$work/text"
"$check_json" /tokens=28 <"$work/out" || fail "prefix"
# shellcheck disable=SC2086
expect 0 $score -s quench --length 10 --windows 1 --json "$work/text"
"$check_json" /windows=1 <"$work/out" || fail "one window"
printf 'one | two |\n three' >"$work/parts"
# shellcheck disable=SC2086
expect 0 $score -s quench --split '|' --json "$work/parts"
"$check_json" /documents=3 /windows=3 <"$work/out" || fail "split"
# shellcheck disable=SC2086
expect 0 $score -s quench --split '|' --documents 2 --json "$work/parts"
"$check_json" /documents=2 <"$work/out" || fail "two documents"
printf '1 2 3 4' >"$work/ids"
# shellcheck disable=SC2086
expect 0 $score -s quench --ids --json "$work/ids"
"$check_json" /tokens=4 <"$work/out" || fail "ids"

# shellcheck disable=SC2086
expect 1 $score "$work/nowhere"
expect_one_line
# shellcheck disable=SC2086
expect 2 $score
# shellcheck disable=SC2086
expect 1 $score --length 100000 "$work/text"
expect_one_line
# Nothing to score.
: >"$work/empty"
expect 1 "$temper" score "$work/empty"
expect_one_line

finish
