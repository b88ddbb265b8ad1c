# SPDX-License-Identifier: Apache-2.0
# verify on every model folder of the shared reference cases, with every backend that can be used here.
. "$(dirname "$0")/common.sh"
prefix_tensors=$3
shared=${TEMPER_SHARED:-$TEMPER_SOURCE_ROOT/../shared}
if [ ! -d "$shared/reference" ]; then
  echo "no reference cases in $shared"
  exit 77
fi

backends=$("$temper" info --backends | sed -n 's/^  \([a-z0-9]*\) .*/\1/p;s/^  .*unavailable.*//' | sort -u)
[ -n "$backends" ] || fail "no backend"
for backend in $backends; do
  "$temper" info --backends | grep -q "^  $backend  *unavailable" && continue
  for folder in "$shared"/reference/*/; do
    [ -f "$folder/model.safetensors" ] || continue
    # This folder's file lacks the q/k/v biases that its logits were computed with. The same names and
    # logits are checked below with a complete file.
    if [ "$(basename "$folder")" = gpt2_prefixed ] && ! grep -q -a 'h.0.attn.c_attn.bias' "$folder/model.safetensors"; then
      expect 1 "$temper" verify "$folder" --backend "$backend"
      grep -q 'c_attn.bias is missing' "$work/err" || fail "gpt2_prefixed: the missing bias isn't named"
      continue
    fi
    expect 0 "$temper" verify "$folder" --backend "$backend"
    echo "$backend $(basename "$folder"): $(tail -n 1 "$work/out")"
    grep FAIL "$work/out" >&2
    # Only what has no logits may be skipped.
    if grep ' skipped: ' "$work/out" | grep -v -q 'no logits'; then
      fail "$backend $folder skips a case with logits"
    fi
  done
  if [ -d "$shared/reference/gpt2_prefixed" ]; then
    mkdir -p "$work/prefixed"
    cp "$shared/reference/gpt2_prefixed/config.json" "$shared/reference/gpt2_prefixed/cases.safetensors" "$work/prefixed"
    expect 0 "$prefix_tensors" transformer. "$shared/reference/gpt2/model.safetensors" "$work/prefixed/model.safetensors"
    expect 0 "$temper" verify "$work/prefixed" --backend "$backend"
    chmod -R u+w "$work/prefixed"
  fi
  # 16-bit weights round each product to 8 bits: a wider tolerance, but no more than that.
  for folder in gpt2 llama hdlm_epsilon; do
    if [ -d "$shared/reference/$folder" ] && [ "$backend" != reference ]; then
      expect 0 "$temper" verify "$shared/reference/$folder" --backend "$backend" --storage bf16 --tolerance 0.25
    fi
  done
done
finish
