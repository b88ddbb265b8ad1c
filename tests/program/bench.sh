# SPDX-License-Identifier: Apache-2.0
# Every group of measurements runs and gives figures; how good they are isn't judged here.
. "$(dirname "$0")/common.sh"

expect 0 "$temper" bench --shape tiny --min-time 0 --turns 1 --rows 1,4 --cached 0,32 --length 24 --cache-length 96 --json
"$check_json" /rows/result/0/ms /rows/result/3/bandwidth_fraction /rows/bandwidth/1 /schedules/result/0/tokens_per_second \
  /cache/result/speedup /cache/result/uncached_samples/8/ms /sampling/result/share \
  /samplers/result/kinds/13/share /samplers/result/step_ms '/storage="f32"' \
  <"$work/out" || fail "json"
expect 0 "$temper" bench --shape tiny --groups rows --rows 1 --cached 0 --min-time 0 --turns 1 --storage bf16
grep -q 'weights in bf16' "$work/out" || fail "no bf16 weights"
expect 0 "$temper" bench --shape tiny --groups sampling --min-time 0 --turns 2
grep -q 'sampling takes' "$work/out" || fail "no share of sampling"
expect 0 "$temper" bench --shape tiny --groups samplers --min-time 0 --turns 1
for kind in ancestral remdm first-hitting edit; do
  grep -q "^  $kind " "$work/out" || fail "the cost of $kind isn't there"
done
finish
