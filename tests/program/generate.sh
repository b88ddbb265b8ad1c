# SPDX-License-Identifier: Apache-2.0
# Generation with a tiny random model: every hyperschedule and sampler, rows, JSON, equal seeds.
. "$(dirname "$0")/common.sh"
tiny_model
generate="$temper generate -m $work/tiny --backend reference"

for schedule in quench flat block slide slide-jump hybrid slide-official; do
  for sampler in ancestral acs greedy; do
    # shellcheck disable=SC2086
    expect 0 $generate -s $schedule -w 8 -l 4 --sampler $sampler -n 24 --ignore-end --json "Once"
    "$check_json" /cancelled=false '/rows/0/prompt_tokens=[79,110,99,101]' /rows/0/tokens/23 '/rows/0/finished="length"' \
      /rows/0/text /steps/0/rows_computed /timing/tokens=24 <"$work/out" || fail "$schedule $sampler"
  done
done

# Equal seeds give equal text; another seed another one. The cache changes nothing.
# shellcheck disable=SC2086
{
  $generate -s slide -w 8 -l 4 -n 40 --ignore-end --ids --seed 5 "79 110" >"$work/a" || fail "seed 5"
  $generate -s slide -w 8 -l 4 -n 40 --ignore-end --ids --seed 5 "79,110" >"$work/b" || fail "seed 5 again"
  $generate -s slide -w 8 -l 4 -n 40 --ignore-end --ids --seed 6 "79 110" >"$work/c" || fail "seed 6"
  $generate -s slide -w 8 -l 4 -n 40 --ignore-end --ids --seed 5 --no-cache "79 110" >"$work/d" || fail "no cache"
}
cmp -s "$work/a" "$work/b" || fail "equal seeds differ"
cmp -s "$work/a" "$work/c" && fail "different seeds agree"
cmp -s "$work/a" "$work/d" || fail "the cache changes the text"
[ "$(wc -w <"$work/a")" -eq 42 ] || fail "$(wc -w <"$work/a") ids instead of prompt and 40"

# A row is the same alone and among others.
# shellcheck disable=SC2086
expect 0 $generate -s block -w 8 -l 4 -n 16 --ignore-end --ids --rows 3 --no-prompt "1 2 3"
cp "$work/out" "$work/three"
# shellcheck disable=SC2086
expect 0 $generate -s block -w 8 -l 4 -n 16 --ignore-end --ids --no-prompt "1 2 3"
[ "$(grep -c '^== row' "$work/three")" -eq 3 ] || fail "rows have no headings"
[ "$(sed -n 2p "$work/three")" = "$(cat "$work/out")" ] || fail "row 0 differs alone and among others"

# Several prompts; standard input; a file.
# shellcheck disable=SC2086
expect 0 $generate -n 8 --ignore-end --json "ab" "longer"
"$check_json" /rows/1/tokens '/rows/0/prompt="ab"' '/rows/1/prompt="longer"' <"$work/out" || fail "two prompts"
printf 'from a file' >"$work/prompt"
# shellcheck disable=SC2086
$generate -n 4 --ignore-end --json - <"$work/prompt" | "$check_json" '/rows/0/prompt="from a file"' || fail "standard input"
# shellcheck disable=SC2086
$generate -n 4 --ignore-end --json -f "$work/prompt" | "$check_json" '/rows/0/prompt="from a file"' || fail "prompt file"

# The window, without a terminal: one line a step, then the text.
# shellcheck disable=SC2086
expect 0 $generate -s quench -n 6 --ignore-end --watch --ids "1 2"
[ "$(grep -c '^step ' "$work/out")" -eq 6 ] || fail "watch shows $(grep -c '^step ' "$work/out") steps instead of 6"
# shellcheck disable=SC2086
expect 0 $generate -s slide -w 8 -l 4 -n 16 --ignore-end --watch --stats "a"
grep -q 'tokens/s' "$work/err" || fail "no figures on standard error"

# By default as much as fits the model (128 positions), and no more than that.
# shellcheck disable=SC2086
expect 0 $generate -s quench --ignore-end --ids --no-prompt "1 2 3 4"
[ "$(wc -w <"$work/out")" -eq 124 ] || fail "$(wc -w <"$work/out") tokens where 124 fit"

# Noise of another kind than the model's.
# shellcheck disable=SC2086
expect 0 $generate -n 8 --ignore-end --noise absorbing --clock cosine "a"
# shellcheck disable=SC2086
expect 2 $generate -n 8 --temperature -1 "a"
expect_one_line

# Ctrl-C: what has settled is printed, and the status says so. Enough work to be met while running.
# shellcheck disable=SC2086
($generate -s flat -l 1000000 -n 64 --ignore-end "a" >"$work/out" 2>"$work/err" & echo $! >"$work/pid"; wait $!; echo $? >"$work/status") &
sleep 2
kill -INT "$(cat "$work/pid")" 2>/dev/null || true
wait
# A background job of a plain shell ignores SIGINT from the start; the program takes it all the same.
[ "$(cat "$work/status")" -eq 130 ] || fail "stopped with status $(cat "$work/status") instead of 130"
finish
