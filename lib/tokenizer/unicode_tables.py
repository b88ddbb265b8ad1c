#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes unicode_tables.inc: what NFC, NFD and lower case need of the Unicode character database.

Usage: python3 unicode_tables.py > unicode_tables.inc
Hangul is left out, as its composition is arithmetic.
"""
import sys
import unicodedata

HANGUL = range(0xAC00, 0xD7A4)


def rows(items):
    line = " "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            print(line)
            line = " "
        line += " " + item + ","
    print(line)


def runs(values):
    """(first, last, value) for neighbours of equal value."""
    result = []
    for code, value in values:
        if result and result[-1][1] == code - 1 and result[-1][2] == value:
            result[-1][1] = code
        else:
            result.append([code, code, value])
    return result


codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]

print("// SPDX-License-Identifier: Apache-2.0")
print(f"// Written by unicode_tables.py from Unicode {unicodedata.unidata_version}; not edited by hand.")

print("\n// A character and its canonical decomposition, one level deep: {code, first, second or 0}.")
print("constexpr Decomposition decompositions[] = {")
decompositions = []
for code in codes:
    text = unicodedata.decomposition(chr(code))
    if text and not text.startswith("<") and code not in HANGUL:
        parts = [int(part, 16) for part in text.split()]
        decompositions.append((code, parts[0], parts[1] if len(parts) > 1 else 0))
rows(f"{{{a},{b},{c}}}" for a, b, c in decompositions)
print("};")

print("\n// Decompositions of two characters that composition doesn't undo.")
print("constexpr char32_t composition_exclusions[] = {")
rows(str(a) for a, b, c in decompositions
     if c and unicodedata.normalize("NFC", chr(b) + chr(c)) != chr(a))
print("};")

print("\n// Combining classes other than 0: {first, last, class}.")
print("constexpr CombiningRange combining_ranges[] = {")
classes = [(c, unicodedata.combining(chr(c))) for c in codes if unicodedata.combining(chr(c))]
rows(f"{{{a},{b},{c}}}" for a, b, c in runs(classes))
print("};")

print("\n// Simple lower case, code + delta for every `step`-th code: {first, last, step, delta}.")
print("constexpr LowerRange lower_ranges[] = {")
lower = []
for code in codes:
    text = chr(code).lower()
    if len(text) == 1 and ord(text) != code:
        delta = ord(text) - code
        last = lower[-1] if lower else None
        if last and last[3] == delta and code - last[1] <= 2 and last[2] in (0, code - last[1]):
            last[2] = code - last[1]
            last[1] = code
        else:
            lower.append([code, code, 0, delta])
rows(f"{{{a},{b},{max(s, 1)},{d}}}" for a, b, s, d in lower)
print("};")
sys.stdout.flush()
