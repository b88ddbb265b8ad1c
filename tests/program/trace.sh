# SPDX-License-Identifier: Apache-2.0
# Traces run again and compared, shown without a model; provenance; sessions saved and resumed.
. "$(dirname "$0")/common.sh"
tiny_model
tiny="$temper generate -m $work/tiny --backend reference -s slide -w 8 -l 4 -n 24 --ignore-end"

# replayed NAME OPTIONS...: traces a generation and runs it again.
replayed() {
  # shellcheck disable=SC2086
  expect 0 $tiny --trace "$work/trace" --no-prompt "$@"
  cp "$work/out" "$work/text"
  expect 0 "$temper" replay "$work/trace"
  grep -q '^[0-9]* steps, the same$' "$work/out" || fail "replay of $*: $(cat "$work/out")"
}

replayed --ids --rows 2 --seed 18446744073709551615 "1 2 3" "4"
replayed --sampler confidence --order margin --temperature 0.8 --top-p 0.9 --repetition-penalty 1.3 --ban A --bias 'B=2' "ab"
replayed --ids --tokens 100 "1 2 3"
replayed --noise absorbing --clock cosine --guidance 1 --unconditional "x" "ab"
replayed --context full --canvas off --approximate prefix --refresh 2 "ab"
replayed --edit "a draft of its own" --noise-level 0.6 "ab"
replayed --infill "Once ___ a time ___{3} lived"
echo "3 1 2" >"$work/weights"
replayed --weights "$work/weights" --no-cache "ab"

# The same steps without a model, parts of characters too.
replayed "ab"
for line in 1 2; do
  sed -n "${line}p" "$work/trace" | "$check_json" || fail "line $line of a trace"
done
sed -n 1p "$work/trace" | "$check_json" '/trace=1' '/model/name="tiny"' /version '/settings/schedule/kind="slide"' \
  '/settings/schedule/width=8' '/settings/seed=0' || fail "the first line of a trace"
steps=$(grep -c '"step":' "$work/trace")
# shellcheck disable=SC2086
expect 0 $tiny --watch "ab"
cp "$work/out" "$work/watched"
mv "$work/tiny" "$work/away"
expect 0 "$temper" replay --show --delay 0 "$work/trace"
cmp -s "$work/out" "$work/watched" || fail "what is shown isn't what was watched"
[ "$(grep -c '^step ' "$work/out")" -eq "$steps" ] || fail "$(grep -c '^step ' "$work/out") steps shown instead of $steps"
# The model elsewhere.
expect 1 "$temper" replay "$work/trace"
expect_one_line
expect 0 "$temper" replay -m "$work/away" "$work/trace"
mv "$work/away" "$work/tiny"

# Differences: another seed, another token, a step less.
sed 's/"seed":0/"seed":1/' "$work/trace" >"$work/changed"
expect 1 "$temper" replay "$work/changed"
grep -q '^different: step [0-9]*, row 0: ' "$work/out" || fail "another seed: $(cat "$work/out")"
sed '4d' "$work/trace" >"$work/changed"
expect 1 "$temper" replay "$work/changed"
grep -q '^different: ' "$work/out" || fail "a step less: $(cat "$work/out")"
sed '/"end":true/d' "$work/trace" >"$work/changed"
expect 0 "$temper" replay "$work/changed"
grep -q 'cut off' "$work/out" || fail "a trace without its end: $(cat "$work/out")"

# What isn't a trace.
for content in '' '{' '[]' '{"trace":2}' '{"trace":1,"settings":{}}' 'null'; do
  printf '%s\n' "$content" >"$work/changed"
  expect 1 "$temper" replay "$work/changed"
  expect_one_line
done
{
  sed -n 1p "$work/trace"
  echo '{"step":0,"rows":[{"row":9,"call":1,"settled":[0,1],"window":[1,2],"tokens":[],"finished":0}]}'
} >"$work/changed"
expect 1 "$temper" replay --show "$work/changed"
expect_one_line
{
  sed -n 1p "$work/trace"
  echo '{"step":0,"rows":[{"row":0,"call":1,"settled":[2,1],"window":[1,99999999999],"tokens":[[-5,3]],"finished":0}]}'
} >"$work/changed"
expect 1 "$temper" replay --show "$work/changed"
expect_one_line
expect 1 "$temper" replay "$work/nowhere"
expect_one_line

# Provenance: a line for each token, and in JSON.
# shellcheck disable=SC2086
expect 0 $tiny --provenance --ids "1 2 3"
[ "$(grep -c '^ *[0-9]* *[0-9]* *[0-9]* *[0-9.]* *[0-9]*  [0-9]*$' "$work/out")" -eq 24 ] || fail "the table of tokens: $(cat "$work/out")"
# shellcheck disable=SC2086
expect 0 $tiny --json --ids "1 2 3"
"$check_json" /rows/0/provenance/23/token /rows/0/provenance/23/set_call /rows/0/provenance/23/settled_call \
  /rows/0/provenance/23/probability /rows/0/provenance/23/changes <"$work/out" || fail "provenance as JSON"
# shellcheck disable=SC2086
expect 2 $tiny --json --provenance "a"
expect_one_line

# Saved and resumed: the same text as in one go.
for options in "--sampler acs --eta 0.3" "--sampler confidence" "--guidance 1"; do
  # shellcheck disable=SC2086
  $tiny $options --ids "1 2 3" >"$work/whole" || fail "in one go: $options"
  # shellcheck disable=SC2086
  expect 0 $tiny $options --ids --stop-after 7 --save "$work/state" "1 2 3"
  [ "$(wc -w <"$work/out")" -lt 27 ] || fail "--stop-after doesn't stop: $options"
  # shellcheck disable=SC2086
  expect 0 $tiny $options --ids --resume "$work/state" "1 2 3"
  cmp -s "$work/out" "$work/whole" || fail "resumed text differs: $options"
done
# shellcheck disable=SC2086
expect 1 $tiny --ids --sampler acs --resume "$work/state" "1 2 3"
expect_one_line
head -c 50 "$work/state" >"$work/cut"
# shellcheck disable=SC2086
expect 1 $tiny --guidance 1 --ids --resume "$work/cut" "1 2 3"
expect_one_line
# shellcheck disable=SC2086
expect 2 $tiny --ids --resume "$work/state" --trace "$work/t" "1 2 3"
expect_one_line
# A trace of what was stopped is compared as far as it goes.
# shellcheck disable=SC2086
expect 0 $tiny --ids --stop-after 3 --trace "$work/trace" "1 2 3"
expect 0 "$temper" replay "$work/trace"
grep -q '^3 steps, the same' "$work/out" || fail "a stopped trace: $(cat "$work/out")"
finish
