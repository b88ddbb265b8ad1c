# SPDX-License-Identifier: Apache-2.0
# Text that is there already: blanks to be filled, drafts to be edited, weights, guidance, caches by name.
. "$(dirname "$0")/common.sh"
tiny_model
tiny="$temper generate -m $work/tiny --backend reference -s block -w 8 -l 4"

# What was given stands in its place; blanks are as long as they say. A token of this model is a byte.
# shellcheck disable=SC2086
expect 0 $tiny --ids --infill "79 110 ___ 32 97 ___{6} 33"
set -- $(cat "$work/out")
[ $# -eq 15 ] || fail "$# tokens instead of 15"
[ "$1 $2 $7 $8 ${15}" = "79 110 32 97 33" ] || fail "given tokens aren't in their places: $*"
# shellcheck disable=SC2086
expect 0 $tiny --infill "Once ___ a time ___{6} lived" --blank 3 --json
"$check_json" '/rows/0/prompt="Once"' '/rows/0/prompt_tokens=[79,110,99,101]' /rows/0/tokens/21 '/rows/0/tokens/3=32' \
  '/rows/0/tokens/9=101' '/rows/0/tokens/21=100' '/rows/0/provenance/3/set_call=-1' '/rows/0/provenance/3/changes=0' \
  '/rows/0/finished="length"' <"$work/out" || fail "infill as JSON"
# A text that begins with a blank; blanks that touch; more tokens behind the text; several texts.
# shellcheck disable=SC2086
expect 0 $tiny --ids --infill "___{2} ___{3} 65"
[ "$(wc -w <"$work/out")" -eq 6 ] || fail "blanks that touch: $(cat "$work/out")"
# shellcheck disable=SC2086
expect 0 $tiny --ids --infill "1 ___ 65" -n 9 --ignore-end --no-prompt
[ "$(wc -w <"$work/out")" -eq 9 ] || fail "more tokens behind the text: $(cat "$work/out")"
# shellcheck disable=SC2086
expect 0 $tiny --ids --infill "1 ___ 65" --infill "1 ___{9} 66" --no-prompt
[ "$(sed -n 2p "$work/out" | wc -w)" -eq 5 ] || fail "first of two texts: $(cat "$work/out")"
[ "$(sed -n 5p "$work/out" | wc -w)" -eq 10 ] || fail "second of two texts: $(cat "$work/out")"
# An end token in a blank would end the text before its last words: it isn't drawn there.
# shellcheck disable=SC2086
expect 0 $tiny --ids --infill "1 ___{8} 65" --end-token 256 --bias '#256=1e6'
[ "$(wc -w <"$work/out")" -eq 10 ] || fail "an end token cut the text off: $(cat "$work/out")"
# The window is shown with what stands behind it.
# shellcheck disable=SC2086
expect 0 $tiny --infill "ab ___{12} end" --watch
grep '^step 0 ' "$work/out" | grep -q 'end$' || fail "watch doesn't show the text behind the window: $(head -1 "$work/out")"

for text in "no blank" "a ___{0} b" "a ___{x} b" "a ___{3 b"; do
  # shellcheck disable=SC2086
  expect 2 $tiny --infill "$text"
  expect_one_line
done
# shellcheck disable=SC2086
expect 2 $tiny --infill "a ___ b" -n 2
expect_one_line
# shellcheck disable=SC2086
expect 2 $tiny --infill "a ___ b" "a prompt"
expect_one_line
# A model that attends to the past only can't know what follows.
expect 0 "$temper" generate -m "$work/tiny" --context causal --window-attention causal --shifted 1 -s quench -n 4 "a"
expect 2 "$temper" generate -m "$work/tiny" --context causal --window-attention causal --shifted 1 -s quench --infill "a ___ b"
expect_one_line
grep -q 'past' "$work/err" || fail "a causal model's refusal: $(cat "$work/err")"

# Drafts: nothing of it changes at level 0, and at 1 nothing of it counts.
draft="65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80"
# shellcheck disable=SC2086
expect 0 $tiny --ids --edit "$draft" --noise-level 0
[ "$(cat "$work/out")" = "$draft" ] || fail "a draft at level 0 is changed: $(cat "$work/out")"
# shellcheck disable=SC2086
expect 0 $tiny --ids --noise absorbing --edit "$draft" --noise-level 0.5 --ignore-end
cp "$work/out" "$work/half"
[ "$(wc -w <"$work/half")" -eq 16 ] || fail "an edited draft is as long as it was: $(cat "$work/half")"
kept=0
for token in $draft; do
  set -- $(cat "$work/half")
  shift $kept
  [ "$1" = "$token" ] && same=$((${same:-0} + 1))
  kept=$((kept + 1))
done
[ "${same:-0}" -ge 2 ] && [ "${same:-0}" -lt 16 ] || fail "at half noise ${same:-0} of 16 tokens stayed"
printf '%s' "$draft" >"$work/draft"
# shellcheck disable=SC2086
expect 0 $tiny --ids --noise absorbing --edit "$work/draft" --noise-level 0.5 --ignore-end
cmp -s "$work/out" "$work/half" || fail "a draft from a file differs from the same text"
# shellcheck disable=SC2086
expect 0 $tiny --ids --edit "$draft" --noise-level 1 --ignore-end
cp "$work/out" "$work/whole"
# shellcheck disable=SC2086
expect 0 $tiny --ids -n 16 --ignore-end
cmp -s "$work/out" "$work/whole" || fail "a draft at level 1 isn't thrown away"
# shellcheck disable=SC2086
expect 0 $tiny --ids --edit "$draft" -n 20 --ignore-end --no-prompt "1 2 3"
[ "$(wc -w <"$work/out")" -eq 20 ] || fail "a draft behind a prompt, and more: $(cat "$work/out")"
for wrong in "--noise-level 0.5" "--edit 65 --noise-level 2" "--edit 65 --infill x" "--blank 3" "--weights $work/draft2"; do
  [ "$wrong" = "--weights $work/draft2" ] && echo "1 0 x" >"$work/draft2"
  # shellcheck disable=SC2086
  expect 2 $tiny --ids $wrong
  expect_one_line
done

# Weights: equal ones change nothing, others do.
# shellcheck disable=SC2086
{
  $tiny --ids -n 16 --ignore-end "1 2" >"$work/plain" || fail "without weights"
  echo "2 2 2 2, 2 2 2 2 2 2 2 2 2 2 2 2" >"$work/weights"
  $tiny --ids -n 16 --ignore-end --weights "$work/weights" "1 2" >"$work/equal" || fail "equal weights"
  echo "4 1 1 1 1 1 1 4" >"$work/weights"
  $tiny --ids -n 16 --ignore-end --weights "$work/weights" "1 2" >"$work/bent" || fail "weights"
}
cmp -s "$work/plain" "$work/equal" || fail "equal weights change the text"
cmp -s "$work/plain" "$work/bent" && fail "weights change nothing"

# Guidance: 0 changes nothing; the prompt of the other run counts.
# shellcheck disable=SC2086
{
  $tiny --ids -n 16 --ignore-end --guidance 0 "1 2" >"$work/none" || fail "guidance 0"
  $tiny --ids -n 16 --ignore-end --guidance 3 "1 2" >"$work/guided" || fail "guidance 3"
  $tiny --ids -n 16 --ignore-end --guidance 3 --unconditional "200" "1 2" >"$work/other" || fail "unconditional"
}
cmp -s "$work/plain" "$work/none" || fail "guidance 0 changes the text"
cmp -s "$work/plain" "$work/guided" && fail "guidance changes nothing"
cmp -s "$work/other" "$work/guided" && fail "the unconditional prompt changes nothing"
# shellcheck disable=SC2086
expect 2 $tiny --ids --unconditional "1" "1 2"
expect_one_line

# Approximate caches, for models that attend in both directions everywhere, and how far from exact they are.
for kind in prefix dual; do
  # shellcheck disable=SC2086
  expect 0 $tiny --context full --approximate $kind --refresh 3 --measure-cache --stats -n 24 --ignore-end --ids --json "1 2"
  "$check_json" /cache_difference /steps/1/rows_stale <"$work/out" || fail "$kind cache"
  grep -q "exact call's" "$work/err" || fail "--stats doesn't say the difference: $(cat "$work/err")"
done
# shellcheck disable=SC2086
expect 1 $tiny --approximate prefix --ids "1 2"
expect_one_line
# shellcheck disable=SC2086
{
  $tiny --context full --canvas on -n 16 --ignore-end --ids "1 2" >"$work/on" || fail "canvas on"
  $tiny --context full --canvas off -n 16 --ignore-end --ids "1 2" >"$work/off" || fail "canvas off"
  $tiny --align on -n 16 --ignore-end --ids "1 2" >"$work/aligned" || fail "align on"
  $tiny --ids --infill "1 ___{20} 65 66" --look-ahead 0 >"$work/blind" || fail "look-ahead 0"
}
cmp -s "$work/on" "$work/off" && fail "the canvas changes nothing"
finish
