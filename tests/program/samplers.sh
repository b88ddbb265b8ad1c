# SPDX-License-Identifier: Apache-2.0
# Every kind of sampler by name, every parameter as an option, and what shapes the logits.
. "$(dirname "$0")/common.sh"
tiny_model
generate="$temper generate -m $work/tiny --backend reference -s block -w 8 -l 4 -n 16 --ignore-end --ids"

# run NAME OPTIONS...: a text of 16 tokens, kept as $work/NAME.
run() {
  name=$1
  shift
  # shellcheck disable=SC2086
  expect 0 $generate "$@" --no-prompt "79 110 99 101"
  [ "$(wc -w <"$work/out")" -eq 16 ] || fail "$*: $(wc -w <"$work/out") tokens instead of 16"
  cp "$work/out" "$work/$name"
}

wrong() {
  # shellcheck disable=SC2086
  expect 2 $generate "$@" "79 110"
  expect_one_line
}

for sampler in ancestral acs greedy analytic remask confidence threshold entropy-bound gibbs renoise self-correct edit; do
  run "$sampler" --sampler $sampler
done
run remdm --noise absorbing --sampler remdm
run first-hitting --noise absorbing --sampler first-hitting
# Paths that a kind isn't for: the library says so.
# shellcheck disable=SC2086
expect 1 $generate --sampler remdm "79"
expect_one_line
grep -q 'uniform noise' "$work/err" || fail "remdm on a path with uniform noise: $(cat "$work/err")"

# Every parameter where it belongs.
run x --temperature 0.7 --top-k 40 --top-p 0.9 --min-p 0.01 --typical-p 0.95
run x --sampler acs --eta 0.5 --compat 1
run x --sampler remask --zeta 0.5
for rule in cap rescale conf loop; do
  run "remdm-$rule" --noise absorbing --sampler remdm --remdm-rule $rule
done
run x --noise absorbing --sampler remdm --remdm-rule loop --t-on 0.8 --t-off 0.2 --alpha-on 0.5 --eta 0.1
for order in probability filtered margin entropy random position; do
  run "order-$order" --sampler confidence --order $order
done
cmp -s "$work/order-probability" "$work/order-position" && fail "the order changes nothing"
run x --sampler confidence --count floor --order-temperature 0.5 --end-rule last
run x --sampler threshold --threshold 0.5 --order margin
run x --sampler threshold --factor 2
run x --sampler entropy-bound --entropy-bound 3
run x --sampler gibbs --corrector-steps 2 --corrector-positions 3
run x --sampler self-correct --extra-steps 3 --patience 2
run x --sampler edit --edit-threshold 0.5 --extra-steps 2
run stopped --stop-stable 1 --stop-entropy 100
cmp -s "$work/stopped" "$work/ancestral" && fail "the adaptive stop changes nothing"
run x --end-rule never
run x --noise absorbing --grid dream

# What a kind doesn't have, and numbers out of range, are wrong usage.
wrong --sampler acs --zeta 1
grep -q -e 'acs has no --zeta' "$work/err" || fail "the message doesn't say what is wrong: $(cat "$work/err")"
wrong --eta 0.1
wrong --sampler confidence --remdm-rule cap
wrong --noise absorbing --sampler remdm --count even
wrong --sampler ancestral --end-rule last
wrong --temperature -1
wrong --top-p 1.5
wrong --top-k 1.5
wrong --top-k nan
wrong --sampler confidence --order sideways
wrong --sampler nonsense

# Banned tokens are never there; a bias makes one sure; penalties change the text.
run plain --sampler ancestral
first=$(cut -d ' ' -f 1 "$work/plain")
run banned --ban "#$first"
tr ' ' '\n' <"$work/banned" | grep -qx "$first" && fail "banned token $first was drawn"
run biased --bias '#65=1e6'
[ "$(tr ' ' '\n' <"$work/biased" | sort -u | tr -d '\n')" = 65 ] || fail "a bias of a million isn't followed: $(cat "$work/biased")"
run biased --bias '#65=1e6' --bias '#65=-inf'
tr ' ' '\n' <"$work/biased" | grep -qx 65 && fail "a bias of -inf doesn't ban"
run greedy-penalty --sampler greedy --repetition-penalty 50 --penalty-window 64
run x --frequency-penalty 5 --presence-penalty 5
cmp -s "$work/x" "$work/plain" && fail "penalties change nothing"
wrong --bias '#65'
wrong --bias '=2'
wrong --bias '#65=x'
wrong --ban 'A'
wrong --repetition-penalty 0
wrong --min-length 0.5

# Tokens by their text.
expect 0 "$temper" generate -m "$work/tiny" -n 8 --ignore-end --bias 'A=1e6' --no-prompt "ab"
[ "$(cat "$work/out")" = AAAAAAAA ] || fail "a bias by text: $(cat "$work/out")"
expect 2 "$temper" generate -m "$work/tiny" -n 8 --ban 'AB' "ab"
expect_one_line

# An end token as sure as can be ends the row at once, or after the least length.
expect 0 "$temper" generate -m "$work/tiny" -s quench -n 12 --ids --no-prompt --end-token 256 --bias '#256=1e6' "1 2"
[ "$(cat "$work/out")" = 256 ] || fail "the end token doesn't end the row: $(cat "$work/out")"
expect 0 "$temper" generate -m "$work/tiny" -s quench -n 12 --ids --no-prompt --end-token 256 --bias '#256=1e6' --min-length 5 "1 2"
[ "$(wc -w <"$work/out")" -eq 6 ] || fail "the least length isn't kept: $(cat "$work/out")"
finish
