// SPDX-License-Identifier: Apache-2.0
#include "sampler/kinds/published.h"

#include <algorithm>
#include <cmath>

namespace temper {

int32_t draw_state(const HeadDescription &head, Workspace::Memory &memory, double mask, uint64_t bits) noexcept {
  double *p = memory.other.data();
  const auto n = static_cast<size_t>(head.tokens());
  for (size_t i = 0; i < head.forbidden_count; ++i)
    p[static_cast<size_t>(dense_index(head, head.forbidden[i]))] = 0;
  // Whole numbers add up the same in any order, as in MATH 4.3.
  const double largest_p = std::max(mask, largest(p, n));
  if (!(largest_p > 0) || std::isinf(largest_p)) return SamplerPosition::no_token;
  const auto whole = [&](double value) {
    return value > 0 ? static_cast<uint64_t>(value / largest_p * weight_one + 0.5) : 0;
  };
  const uint64_t mask_weight = whole(mask);
  uint64_t total = mask_weight;
  for (size_t i = 0; i < n; ++i) total += whole(p[i]);
  uint64_t rest = mul_high(bits, total);
  if (rest < mask_weight) return head.mask_token;
  rest -= mask_weight;
  size_t i = 0;
  while (rest >= whole(p[i])) rest -= whole(p[i++]);
  return token_of_dense(head, static_cast<int32_t>(i));
}

double probability_of(const Place &place, Workspace::Memory &memory, int32_t token) noexcept {
  if (is_masked(place.head, token)) return 0;
  if (place.certain()) return token == memory.most_probable() ? 1 : 0;
  memory.sum();
  return memory.weight(token) / static_cast<double>(memory.total);
}

}  // namespace temper
