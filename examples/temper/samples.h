// SPDX-License-Identifier: Apache-2.0
// Sampled texts and what can be counted about them.
#ifndef TEMPER_PROGRAM_SAMPLES_H
#define TEMPER_PROGRAM_SAMPLES_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace program {

struct Sample {
  std::string prompt, text;
  std::vector<int32_t> tokens;  ///< of the model that made it; empty: unknown
};

struct Samples {
  std::vector<Sample> list;
  int64_t model_calls = -1, rows = -1;  ///< that it took to make them; -1: unknown
};

/// A document of `temper generate --json`, or a text: one sample, or several between @p split. Throws Failure.
Samples read_samples(const std::string &path, const std::string &split);

/// -sum f log f over the tokens' frequencies f in one sample, nats.
double unigram_entropy(const std::vector<int32_t> &tokens);

/// Different n-grams over all n-grams, of all samples together; NaN when there is none.
double distinct(const std::vector<std::vector<int32_t>> &samples, size_t n);

} // namespace program

#endif
