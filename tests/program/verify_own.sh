# SPDX-License-Identifier: Apache-2.0
# verify on folders it can't be pleased with: nothing that runs is a failure, and so are wrong logits.
. "$(dirname "$0")/common.sh"
tiny_model

# A file with the given JSON header and so many zero bytes of data.
# safetensors FILE HEADER BYTES
safetensors() {
  size=$(printf '%s' "$2" | wc -c)
  printf "$(printf '\\%03o\\%03o\\0\\0\\0\\0\\0\\0' $((size % 256)) $((size / 256)))%s" "$2" >"$1"
  head -c "$3" /dev/zero >>"$1"
}

# No case with logits: nothing ran.
safetensors "$work/tiny/cases.safetensors" '{"run.0.prompt":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]}}' 8
expect 1 "$temper" verify "$work/tiny"
grep -q '^0 passed, 0 failed, 1 skipped$' "$work/out" || fail "nothing ran, but: $(tail -n 1 "$work/out")"

# Zero logits of one token: wrong.
safetensors "$work/tiny/cases.safetensors" \
  '{"a.tokens":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]},"a.logits":{"dtype":"F32","shape":[1,1,258],"data_offsets":[4,1036]}}' 1036
expect 1 "$temper" verify "$work/tiny"
grep -q '^  a  *1 rows .* FAIL' "$work/out" || fail "wrong logits pass: $(cat "$work/out")"
grep -q '^0 passed, 1 failed, 0 skipped$' "$work/out" || fail "$(tail -n 1 "$work/out")"
expect 0 "$temper" verify "$work/tiny" --tolerance 1000
expect 0 "$temper" verify "$work/tiny" --tolerance 1000 --json
"$check_json" /passed=1 /failed=0 '/folders/0/cases/0/result="ok"' /folders/0/cases/0/rows=1 <"$work/out" || fail "json"

# A folder with cases but no model: skipped, and nothing ran, unless one is named.
mkdir "$work/cases"
cp "$work/tiny/cases.safetensors" "$work/cases"
expect 1 "$temper" verify "$work/cases"
grep -q '^0 passed, 0 failed, 1 skipped$' "$work/out" || fail "no model: $(tail -n 1 "$work/out")"
expect 0 "$temper" verify "$work/cases" --model "$work/tiny" --tolerance 1000

# Logits of another width, a mask that doesn't fit, a torn file.
safetensors "$work/tiny/cases.safetensors" \
  '{"a.tokens":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]},"a.logits":{"dtype":"F32","shape":[1,1,3],"data_offsets":[4,16]}}' 16
expect 1 "$temper" verify "$work/tiny"
head -c 40 "$work/tiny/cases.safetensors" >"$work/torn"
mv "$work/torn" "$work/tiny/cases.safetensors"
expect 1 "$temper" verify "$work/tiny"
expect_one_line
finish
