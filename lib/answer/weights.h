// SPDX-License-Identifier: Apache-2.0
// Integer weights of a softmax (MATH 4.3): w = floor(2^44 exp((l - top) scale) + 1/2). The exponential is
// plain double arithmetic in a fixed order, element by element, and integers add up the same in any order:
// the same bits come out on every instruction set and number of threads.
#pragma once

#include "backends/question.h"

#include <cstddef>
#include <cstdint>

namespace temper {

inline constexpr size_t weight_block = 256;
inline constexpr double weight_one = TEMPER_WEIGHT_ONE;  // weight of the largest logit

struct RowScan {
  double top = 0;    // largest, -inf when there is none
  bool sane = true;  // neither NaN nor +inf seen
};

// Copies `count` logits, less `offset` (in float32), to doubles; their largest and whether they can be used.
RowScan copy_logits(const float *from, size_t count, double *to, float offset = 0) noexcept;

// The largest of values without NaN.
double largest(const double *values, size_t count) noexcept;

// weights[i] for at most weight_block logits.
void weigh(const double *logits, size_t count, double top, double scale, uint64_t *weights) noexcept;

// sums[b] of block b of weight_block logits; returns the sum of all. `spread`, if any: the sum of weight times
// (logit - top), which entropies take.
uint64_t weigh_blocks(const double *logits, size_t count, double top, double scale, uint64_t *sums,
                      double *spread = nullptr) noexcept;

// The sum of e^(l - top) to eight digits, at half the price: for what is reported and compared, not drawn from.
double rough_sum(const double *logits, size_t count, double top) noexcept;

// e^x by the same polynomial, x limited to [-700, 700].
double exponential(double x) noexcept;

}  // namespace temper
