// SPDX-License-Identifier: Apache-2.0
// What a model's output row means to the sampler (MATH 2). Rows of score heads are log-scores, from which whoever
// answers subtracts the model's offset (backends/question.h).
#pragma once

#include "noise/noise.h"

#include <cstddef>
#include <cstdint>
#include <limits>

namespace temper {

enum class HeadForm : int32_t {
  posterior = 0,            // logits of p(x_0 | all of x_t): F
  leave_one_out = 1,        // logits of p(x_0 | the other positions): L
  score_exact = 2,          // log-scores, decoded by (10)
  score_official_gamma = 3  // log-scores of the published gamma loss, decoded by (12)
};

struct HeadDescription {
  HeadForm kind = HeadForm::posterior;
  // Retention the F head was trained for at real tokens; NaN: that of the noise, kappa_t.
  double kappa_eff = std::numeric_limits<double>::quiet_NaN();
  // Visible tokens keep themselves whatever the head says (MDLM, LLaDA, Dream, BD3-LM).
  bool carry_over = false;
  int32_t mask_token = -1;     // a column or beyond them; -1: there is no mask token
  int32_t columns = 0;         // floats of a row
  int32_t vocabulary = 0;      // real tokens have ids below it; the mask may be among them
  // Further ids that are never emitted, ascending (columns >= vocabulary needn't be named). Kept alive by
  // the caller.
  const int32_t *forbidden = nullptr;
  size_t forbidden_count = 0;

  // N: ids below `vocabulary` without the mask.
  int32_t tokens() const noexcept {
    return vocabulary - (mask_token >= 0 && mask_token < vocabulary ? 1 : 0);
  }
};

inline bool is_masked(const HeadDescription &head, int32_t token) noexcept {
  return token < 0 || token == head.mask_token;
}

// Is a token the clean one already, whatever the model says?
inline bool is_certain(const HeadDescription &head, const Transition &step, int32_t token) noexcept {
  return step.identity || (!is_masked(head, token) && (head.carry_over || step.visible_fixed));
}

// Real tokens counted without the mask.
inline int32_t dense_index(const HeadDescription &head, int32_t token) noexcept {
  return head.mask_token >= 0 && token > head.mask_token ? token - 1 : token;
}
inline int32_t token_of_dense(const HeadDescription &head, int32_t index) noexcept {
  return head.mask_token >= 0 && index >= head.mask_token ? index + 1 : index;
}

}  // namespace temper
