// SPDX-License-Identifier: Apache-2.0
// The terms of the bound (MATH 5.1): what one position adds in one call, KL(q(x_s | x_t, x_0) || p(x_s)), in
// nats. Pure functions in double, O(N), for every path of two clocks and every form of head.
//
// With the unmasked marginals S(z) = kappa_s [z = x] + (1-kappa_s)/N of the truth and of the prediction, and T
// alike at time t, both sides are weight(z) S(z) / T(y): the weights cancel in the logarithm.
#pragma once

#include "noise/noise.h"
#include "sampler/head.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace temper {

// `y` is the current token (masked_state: masked), `x` the clean one, both among N real tokens.
// `pi`: the prediction given all of x_t (F head), against (4).
double divergence_of_posterior(const Transition &step, size_t tokens, int32_t y, int32_t x,
                               const double *pi) noexcept;

// `pit`: the prediction without looking at the position itself (L head), against (6).
double divergence_of_leave_one_out(const Transition &step, size_t tokens, int32_t y, int32_t x,
                                   const double *pit) noexcept;

// KL(q(x_T | x_0) || pure noise) of one position: 0 with the terminal clamp (MATH 1.7).
double prior_divergence(const Clocks &top, size_t tokens) noexcept;

// A row of a model against the truth. Holds the prediction of one row: one object per thread.
class RowTerm {
 public:
  explicit RowTerm(const HeadDescription &head);

  // `token`: the position's current id, `clean` its true one; real ids are those of the vocabulary without the
  // mask. NaN when the row has no number to go by. Infinite when the prediction excludes what is true.
  double operator()(const Transition &step, int32_t token, int32_t clean,
                    std::span<const float> row) noexcept;

 private:
  bool gather(std::span<const float> row) noexcept;  // the real tokens' entries, in order
  void take_softmax() noexcept;

  HeadDescription head_;
  std::vector<double> values_;  // [N]
  double top_ = 0;
};

}  // namespace temper
