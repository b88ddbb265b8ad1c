#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Adaptive correction on a model: generative perplexity under a judge and token entropy, for strengths of the
# correction and tokens settled per call (a sliding window of 16):
#
#   sh tests/bench/acs.sh PROGRAM [MODEL [JUDGE [ROWS [LENGTH [TEMPERATURE]]]]]
#
# MODEL and JUDGE are folders; without them the bundled model, judging itself by quench.
set -eu
program=${1:?usage: acs.sh PROGRAM [MODEL [JUDGE [ROWS [LENGTH [TEMPERATURE]]]]]}
root=$(cd "$(dirname "$0")/../.." && pwd)
model=${2:-$root/examples/model}
judge=${3:-$model}
rows=${4:-128}
length=${5:-128}
temperature=${6:-1}

printf '| eta |'
for rate in 1 2 4 8; do printf ' %s a call |' "$rate"; done
printf '\n| --- | --- | --- | --- | --- |\n'
for eta in 0 0.01 0.05 0.1 0.25 0.5; do
  printf '| %s |' "$eta"
  for rate in 1 2 4 8; do
    "$program" evaluate "Once upon a time" -m "$model" -j "$judge" --rows "$rows" -n "$length" --ignore-end \
      --schedule slide --width 16 --levels $((16 / rate)) --sampler acs --eta "$eta" --temperature "$temperature" |
      awk '/^perplexity, pooled/ { perplexity = $3 } /^unigram entropy/ { entropy = $3 }
           END { printf " %.1f, %.3f |", perplexity, entropy }'
  done
  printf '\n'
done
