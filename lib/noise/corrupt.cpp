// SPDX-License-Identifier: Apache-2.0
#include "noise/corrupt.h"

#include "base/ranks.h"

#include <cmath>

namespace temper {
namespace {

double difference(double earlier, double later) noexcept {
  // Not later - earlier at once: inf - inf is no movement.
  return later > earlier ? later - earlier : 0;
}

}  // namespace

Clocks elapsed(Clocks earlier, Clocks later) noexcept {
  return {difference(earlier.mu, later.mu), difference(earlier.lam, later.lam)};
}

int32_t corrupt_token(const Clocks &clocks, int32_t vocabulary, int32_t mask_token, int32_t token,
                      const Draws &draws, std::span<const int32_t> excluded) noexcept {
  const bool mask_inside = mask_token >= 0 && mask_token < vocabulary;
  const int32_t tokens = vocabulary - (mask_inside ? 1 : 0) - static_cast<int32_t>(excluded.size());
  if (token < 0 || token >= vocabulary || token == mask_token || tokens < 1) return token;
  if (clocks.mu > 0 && draws.bernoulli(DrawTag::training_mask, clocks.m())) return mask_token;
  if (!(clocks.lam > 0) || !draws.bernoulli(DrawTag::replacement, -std::expm1(-clocks.lam))) return token;
  const auto drawn = static_cast<int32_t>(
      draws.integer(DrawTag::replacement_token, static_cast<uint64_t>(tokens)));
  return id_of_rank(drawn, excluded, mask_inside ? mask_token : -1, -1);
}

}  // namespace temper
