# SPDX-License-Identifier: Apache-2.0
# temper evaluate: texts made here, texts of a file, and a document of temper generate.
. "$(dirname "$0")/common.sh"
tiny_model
evaluate="$temper evaluate --backend reference"

# shellcheck disable=SC2086
expect 0 $evaluate -m "$work/tiny" -s slide -w 8 -l 4 -n 20 --rows 3 --ignore-end --json "Once"
"$check_json" /samples/2/perplexity /perplexity_pooled /perplexity_sample_mean /entropy_mean /distinct_1 /distinct_3 \
  /definition <"$work/out" || fail "json"
grep '"model_calls"' "$work/out" >"$work/a"

# The same texts from the document of generate: the same calls.
expect 0 "$temper" generate -m "$work/tiny" --backend reference -s slide -w 8 -l 4 -n 20 --rows 3 --ignore-end --json "Once"
cp "$work/out" "$work/samples.json"
expect 0 $evaluate --texts "$work/samples.json" --judge "$work/tiny" --json
"$check_json" /samples/2/perplexity /rows_computed <"$work/out" || fail "document of generate"
grep '"model_calls"' "$work/out" | cmp -s - "$work/a" || fail "other model calls from the document"

# Figures that can be counted by hand: four tokens a sample.
printf 'aabb|abab' >"$work/texts"
expect 0 $evaluate --texts "$work/texts" --split '|' --judge "$work/tiny" --json
"$check_json" /tokens=8 /distinct_1=0.25 /distinct_2=0.6666666666666666 /distinct_3=1.0 /model_calls=null <"$work/out" || fail "distinct"
grep -q '"entropy_mean": 0.69314718' "$work/out" || fail "entropy"
expect 0 $evaluate --texts "$work/texts" --judge "$work/tiny"
grep -q '^perplexity, pooled' "$work/out" || fail "pooled"
grep -q '^perplexity, mean' "$work/out" || fail "mean"

expect 2 $evaluate --texts "$work/texts" --judge "$work/tiny" "prompt"
expect_one_line
printf '{"rows": [1]}' >"$work/bad.json"
expect 1 $evaluate --texts "$work/bad.json" --judge "$work/tiny"
expect_one_line
finish
