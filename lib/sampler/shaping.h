// SPDX-License-Identifier: Apache-2.0
// What a caller wants of the distribution beyond temperature and filters: biases, banned tokens, penalties
// for what was said already, end tokens only after a while. Applied to a row of logits between the exclusion
// of the mask and the temperature (MATH 4.1, steps 3 and 4).
#pragma once

#include "base/status.h"

#include <cstdint>
#include <span>
#include <vector>

namespace temper {

struct TokenCount {
  int32_t token = 0;
  int32_t count = 0;
};

// Where a row of logits stands.
struct ShapingContext {
  int64_t generated = 0;           // positions from the first generated one to this one
  int32_t own_token = -1;          // visible token of this very position: counted in `history`, not against it
  std::span<const TokenCount> history;  // tokens of the prompt and all visible ones, ascending ids
  std::span<const int32_t> allowed;      // ascending; empty: all
  std::span<const int32_t> end_tokens;   // ascending
};

struct TokenBias {
  int32_t token = 0;
  double bias = 0;  // added to the logit; -inf bans
};

struct Shaping {
  double repetition = 1;    // > 1 makes what was said less likely: l > 0: l / r, l < 0: l * r
  double frequency = 0;     // l -= frequency * count
  double presence = 0;      // l -= presence where count > 0
  int64_t window = 0;  // tokens looked back over for the three, 0: all; the session counts accordingly
  int64_t least = 0;   // generated positions before an end token may stand
  bool no_end = false;      // end tokens are never drawn
  std::vector<TokenBias> biases;  // ascending tokens, each once

  bool counts() const noexcept { return repetition != 1 || frequency != 0 || presence != 0; }
  bool idle() const noexcept { return !counts() && least == 0 && !no_end && biases.empty(); }

  // Excluded tokens are -inf and stay it. False: nothing is left that could be drawn.
  bool apply(std::span<double> logits, const ShapingContext &at) const noexcept;
};

}  // namespace temper
