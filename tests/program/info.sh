# SPDX-License-Identifier: Apache-2.0
# What the program says about a model and the backends.
. "$(dirname "$0")/common.sh"
tiny_model

expect 0 "$temper" info "$work/tiny"
for word in '^family *hdlm-epsilon' '^assumed' '^tokenizer *257' '^backends' '^  reference'; do
  grep -q "$word" "$work/out" || fail "info doesn't say $word"
done
expect 0 "$temper" info -m "$work/tiny" --backend reference --json
"$check_json" '/model/family="hdlm-epsilon"' /model/layers=2 /model/width=64 /model/mask_token=257 /model/assumptions/0 \
  /model/session/bytes '/model/backend="reference"' /model/tokenizer/available=true /backends/0/name \
  <"$work/out" || fail "json"
expect 0 "$temper" info --backends --json
"$check_json" /backends/0/available <"$work/out" || fail "backends"

# The file with the weights names the model, too. Its tokenizer has a token for every row of the head.
expect 0 "$temper" info "$work/tiny/model.safetensors" --json
"$check_json" /model/layers=2 /model/tokenizer/available=true /model/without_token=0 <"$work/out" || fail "file"
expect 0 "$temper" info "$work/tiny" --tokens 100
grep -q '^ *[0-9]* ids have no token' "$work/out" || fail "info doesn't say that ids have no token"

# Overrides are taken and said.
expect 0 "$temper" info "$work/tiny" --context block-causal --block 4 --max-length 64 --json
"$check_json" '/model/context="block-causal"' /model/block=4 /model/max_length=64 <"$work/out" || fail "overrides"

# Without a tokenizer the model is still described.
rm "$work/tiny/vocab.json" "$work/tiny/merges.txt"
expect 0 "$temper" info "$work/tiny" --json
"$check_json" /model/tokenizer/available=false /model/tokenizer/reason <"$work/out" || fail "no tokenizer"
finish
