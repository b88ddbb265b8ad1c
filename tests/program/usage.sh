# SPDX-License-Identifier: Apache-2.0
# Exit statuses, and errors in one line.
. "$(dirname "$0")/common.sh"

# Wrong usage: 2.
for arguments in "" "nonsense" "generate --no-such-option" "generate --schedule zigzag" "generate --rows 0" \
  "generate --length -3" "schedule --levels 0" "schedule nonsense" "verify" "bench --shape enormous" \
  "tokenize --decode --model $work x1" "bench --write $work/w" "generate --mix 0.5"; do
  case $arguments in
    *decode*) continue ;; # needs a tokenizer: see tokenize.sh
    *--mix*) tiny_model; arguments="$arguments -m $work/tiny a" ;;
  esac
  # shellcheck disable=SC2086
  expect 2 "$temper" $arguments
  expect_one_line
done

# What can't be done: 1.
expect 1 "$temper" generate --model "$work/nowhere" "a"
expect_one_line
expect 1 "$temper" generate --model "$work/tiny" --backend nonsense "a"
expect_one_line
expect 1 "$temper" generate --model "$work/tiny" --prompt-file "$work/nowhere"
expect_one_line
expect 1 "$temper" verify "$work/nowhere"
expect 1 "$temper" schedule --svg "$work/nowhere/picture.svg"
expect_one_line
printf '{' >"$work/config.json"
expect 1 "$temper" info "$work"
expect_one_line

# Help everywhere: 0, on standard output.
expect 0 "$temper" --version
grep -q '^temper [0-9]' "$work/out" || fail "--version prints $(cat "$work/out")"
for command in "" generate replay info tokenize schedule bench verify; do
  # shellcheck disable=SC2086
  expect 0 "$temper" $command --help
  [ -s "$work/out" ] || fail "no help for $command"
done
finish
