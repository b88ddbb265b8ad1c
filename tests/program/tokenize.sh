# SPDX-License-Identifier: Apache-2.0
# Text to ids and back, by a tokenizer whose tokens are bytes.
. "$(dirname "$0")/common.sh"
tiny_model

expect 0 "$temper" tokenize -m "$work/tiny" --ids "Hi there"
[ "$(cat "$work/out")" = "72 105 32 116 104 101 114 101" ] || fail "ids: $(cat "$work/out")"
expect 0 "$temper" tokenize -m "$work/tiny" --count "Hi there"
[ "$(cat "$work/out")" = 8 ] || fail "count: $(cat "$work/out")"
expect 0 "$temper" tokenize -m "$work/tiny" --json "Hi"
"$check_json" /ids='[72,105]' /count=2 '/tokens=["H","i"]' <"$work/out" || fail "json"
expect 0 "$temper" tokenize -m "$work/tiny" --decode 72 105
[ "$(cat "$work/out")" = "Hi" ] || fail "decode: $(cat "$work/out")"
expect 0 "$temper" tokenize -m "$work/tiny" --decode --json 72 105
"$check_json" /text='"Hi"' <"$work/out" || fail "decode json"

# Any bytes come back, through standard input and files.
printf '\000\001\377\376 caf\303\251 \360\237\230\200\n' >"$work/bytes"
"$temper" tokenize -m "$work/tiny" --ids <"$work/bytes" >"$work/ids" || fail "encode from standard input"
"$temper" tokenize -m "$work/tiny" --decode --file "$work/ids" >"$work/back" || fail "decode from a file"
cmp -s "$work/bytes" "$work/back" || fail "bytes don't come back"

expect 2 "$temper" tokenize -m "$work/tiny" --decode 72 x1
expect_one_line
expect 1 "$temper" tokenize -m "$work/tiny" --decode 99999
expect_one_line
finish
