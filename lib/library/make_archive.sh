#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a static library whose only global symbols are temper_*.
#
#   make_archive.sh OUTPUT FOLDER LD OBJCOPY AR PCRE2 ARCHIVE...
#
# All members become one relocatable object. PCRE2 gives only what is used. Templates are no longer
# grouped (--force-group-allocation): a group that has become local would be dropped in favour of the
# program's own copy while its references stay.
set -e
output=$1 folder=$2 ld=$3 objcopy=$4 ar=$5 pcre2=$6
shift 6
mkdir -p "$folder"
"$ld" -r --force-group-allocation -o "$folder/joined.o" --whole-archive "$@" --no-whole-archive "$pcre2"
# A folder's library that the list lacks would only be noticed by the user's linker.
missing=$(nm -u "$folder/joined.o" | grep 6temper || true)
if [ -n "$missing" ]; then
  printf 'the static library would lack:\n%s\n' "$missing" >&2
  exit 1
fi
"$objcopy" --wildcard --localize-hidden --keep-global-symbol='temper_*' \
  "$folder/joined.o" "$folder/temper.o"
rm -f "$output" "$folder/joined.o"
"$ar" rcs "$output" "$folder/temper.o"
rm -f "$folder/temper.o"
