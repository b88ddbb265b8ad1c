// SPDX-License-Identifier: Apache-2.0
// Constraints, penalties and biases on a row of logits (MATH 4.1, steps 3 and 4).
#include "sampler/shaping.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace temper {
namespace {

constexpr double excluded = -std::numeric_limits<double>::infinity();

// The logit of a token, or null where the row has no such column.
double *logit_of(std::span<double> logits, int32_t token) noexcept {
  if (token < 0 || static_cast<size_t>(token) >= logits.size()) return nullptr;
  return &logits[static_cast<size_t>(token)];
}

// Excludes what lies between the members of an ascending list.
void keep_only(std::span<double> logits, std::span<const int32_t> allowed) noexcept {
  size_t next = 0;
  for (const int32_t token : allowed) {
    if (token < 0) continue;
    const size_t end = std::min(static_cast<size_t>(token), logits.size());
    for (; next < end; ++next) logits[next] = excluded;
    next = std::max(next, static_cast<size_t>(token) + 1);
  }
  for (; next < logits.size(); ++next) logits[next] = excluded;
}

}  // namespace

bool Shaping::apply(std::span<double> logits, const ShapingContext &at) const noexcept {
  if (!at.allowed.empty()) keep_only(logits, at.allowed);
  if (no_end || at.generated < least)
    for (const int32_t token : at.end_tokens)
      if (double *logit = logit_of(logits, token)) *logit = excluded;

  if (counts())
    for (const TokenCount &seen : at.history) {
      const int32_t count = seen.count - (seen.token == at.own_token ? 1 : 0);
      double *logit = count > 0 ? logit_of(logits, seen.token) : nullptr;
      if (logit == nullptr || *logit == excluded) continue;
      // Dividing a negative logit would favour the token.
      *logit = *logit > 0 ? *logit / repetition : *logit * repetition;
      *logit -= frequency * count + presence;
    }

  // Last, so that a bias means the same whatever was said before.
  for (const TokenBias &wish : biases)
    if (double *logit = logit_of(logits, wish.token); logit != nullptr && *logit != excluded) *logit += wish.bias;

  return std::any_of(logits.begin(), logits.end(), [](double logit) { return logit > excluded; });
}

}  // namespace temper
