#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Adaptive correction on a model: generative perplexity under a judge and token entropy, for strengths of the
# correction and tokens settled per call (a sliding window of 16):
#
#   sh tests/bench/acs.sh PROGRAM [TEMPERATURE [MODEL [JUDGE [ROWS [LENGTH]]]]]
#
# PROGRAM is the program temper; MODEL and JUDGE are folders. Without them the bundled model is its own judge, by
# quench. Everything is drawn from fixed seeds: the same call prints the same table.
set -eu
program=${1:?usage: acs.sh PROGRAM [TEMPERATURE [MODEL [JUDGE [ROWS [LENGTH]]]]]}
root=$(cd "$(dirname "$0")/../.." && pwd)
temperature=${2:-1}
model=${3:-$root/examples/model}
judge=${4:-$model}
rows=${5:-128}
length=${6:-128}
rates='1 4'

printf '| eta |'
for rate in $rates; do printf ' perplexity, %s a call | entropy, %s a call |' "$rate" "$rate"; done
printf '\n| --- | --- | --- | --- | --- |\n'
for eta in 0 0.05 0.25; do
  printf '| %s |' "$eta"
  for rate in $rates; do
    "$program" evaluate "Once upon a time" -m "$model" -j "$judge" --rows "$rows" -n "$length" --ignore-end \
      --schedule slide --width 16 --levels $((16 / rate)) --sampler acs --eta "$eta" --temperature "$temperature" |
      awk '/^perplexity, pooled/ { perplexity = $3 } /^unigram entropy/ { entropy = $3 }
           END { if (perplexity == "") exit 1; printf " %.2f | %.3f |", perplexity, entropy }'
  done
  printf '\n'
done
