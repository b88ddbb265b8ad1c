// SPDX-License-Identifier: Apache-2.0
// What a caller wants of the distribution beyond temperature and filters: biases, banned tokens, penalties
// for what was said already, end tokens only after a while. Part of a question about a row, which is shaped between
// the exclusion of the mask and the temperature (MATH 4.1, steps 3 and 4).
#pragma once

#include "backends/question.h"

#include <cstdint>
#include <span>
#include <vector>

namespace temper {

using TokenCount = temper_token_count;
using TokenBias = temper_token_bias;  // bias -inf bans

// Where a row of logits stands.
struct ShapingContext {
  int64_t generated = 0;           // positions from the first generated one to this one
  int32_t own_token = -1;          // visible token of this very position: counted in `history`, not against it
  std::span<const TokenCount> history;  // tokens of the prompt and all visible ones, ascending ids
  std::span<const int32_t> allowed;      // ascending; empty: all
  std::span<const int32_t> end_tokens;   // ascending
};

struct Shaping {
  double repetition = 1;       // > 1 makes what was said less likely: l > 0: l / r, l < 0: l * r
  double frequency = 0;        // l -= frequency * count
  double presence = 0;         // l -= presence where count > 0
  int64_t look_back = 0;       // tokens looked back over for the three, 0: all; the session counts accordingly
  int64_t minimum_length = 0;  // generated positions before an end token may stand
  bool no_end = false;         // end tokens are never drawn
  std::vector<TokenBias> biases;  // ascending tokens, each once

  bool counts() const noexcept { return repetition != 1 || frequency != 0 || presence != 0; }
  // May an end token stand here?
  bool ends(const ShapingContext &at) const noexcept { return !no_end && at.generated >= minimum_length; }
  // Says all of it to a question, which points to the lists here and in `at`.
  void describe(const ShapingContext &at, temper_question &question) const noexcept;
};

}  // namespace temper
