// SPDX-License-Identifier: Apache-2.0
// The least uncertain as long as their entropies stay below a bound (EB, arXiv 2505.24857).
#include "sampler/kinds/ordered.h"

namespace temper {
namespace {

Status check(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  return needs_mask(head, noise, "entropy-bound");
}

Verdict finish(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  // Confidence is the negative entropy here: the least uncertain first, and the last one is the largest.
  double sum = 0;
  while (Proposal *best = ordered::best_left(window)) {
    if (sum > p.entropy_bound) break;
    sum -= best->confidence;
    best->move = Move::draw;
  }
  ordered::keep_final(window);
  return ordered::close(head, window);
}

constexpr KindParameter own_parameters[] = {{SamplerParameter::entropy_bound, {0, 1000, 0.1, false}},
                                  {SamplerParameter::order, {3, 3, 3, true}},
                                  {SamplerParameter::end_rule, ordered::end_bounds}};

}  // namespace

const Kind kinds::entropy_bound = {true, own_parameters, check, ordered::decide, ordered::propose, finish, always};

}  // namespace temper
