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
    expect 0 "$temper" verify "$folder" --backend "$backend"
    echo "$backend $(basename "$folder"): $(tail -n 1 "$work/out")"
    grep FAIL "$work/out" >&2
    # Only what has no logits may be skipped.
    if grep ' skipped: ' "$work/out" | grep -v -q 'no logits'; then
      fail "$backend $folder skips a case with logits"
    fi
  done
  # The same names and logits where every tensor's name has the prefix that GPT-2's own files have.
  if [ -d "$shared/reference/gpt2" ]; then
    mkdir -p "$work/prefixed"
    cp "$shared/reference/gpt2/config.json" "$shared/reference/gpt2/cases.safetensors" "$work/prefixed"
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
