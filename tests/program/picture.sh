# SPDX-License-Identifier: Apache-2.0
# Pictures of hyperschedules: well-formed files, four panels.
. "$(dirname "$0")/common.sh"

expect 0 "$temper" schedule --all --svg "$work/four.svg" --png "$work/four.png"
[ ! -s "$work/out" ] || fail "a picture was asked for, but text was printed too"
for word in '<svg ' quench block slide flat '</svg>'; do
  grep -q "$word" "$work/four.svg" || fail "the SVG has no $word"
done
[ "$(head -c 8 "$work/four.png" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "not a PNG"
[ "$(tail -c 12 "$work/four.png" | od -An -tx1 | tr -d ' \n')" = 0000000049454e44ae426082 ] || fail "the PNG has no end"
[ "$(wc -c <"$work/four.png")" -lt 60000 ] || fail "the PNG is large"

# A decoder that isn't ours reads it, where there is one.
if command -v pngtopnm >/dev/null; then
  expect 0 pngtopnm "$work/four.png"
elif command -v python3 >/dev/null; then
  cat >"$work/read.py" <<'PY'
import struct, sys, zlib
data = open(sys.argv[1], 'rb').read()
at, body, size = 8, b'', None
while at < len(data):
    length, kind = struct.unpack('>I4s', data[at:at + 8])
    chunk = data[at + 8:at + 8 + length]
    assert zlib.crc32(kind + chunk) == struct.unpack('>I', data[at + 8 + length:at + 12 + length])[0]
    size = struct.unpack('>II', chunk[:8]) if kind == b'IHDR' else size
    body += chunk if kind == b'IDAT' else b''
    at += 12 + length
assert len(zlib.decompress(body)) == size[1] * (size[0] + 1)
PY
  expect 0 python3 "$work/read.py" "$work/four.png"
fi

expect 0 "$temper" schedule slide --svg -
grep -q '</svg>' "$work/out" || fail "no SVG on standard output"
finish
