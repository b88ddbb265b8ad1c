#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the program of temper.h's comment: run_loop.sh PROGRAM MODEL
if [ ! -f "$2/config.json" ]; then
  echo "skipped: there is no model in $2"
  exit 77
fi
text=$("$1" "$2" "Once upon a time") || exit 1
printf '%s\n' "$text"
# Something was generated, and the text is whole lines of UTF-8.
[ "$(printf %s "$text" | wc -c)" -gt 20 ] && printf %s "$text" | iconv -f UTF-8 -t UTF-8 >/dev/null
