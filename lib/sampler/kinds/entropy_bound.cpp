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

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::entropy_bound, .name = "entropy bound", .bounds = {0, 1000, 0.1, false}},
    {.parameter = SamplerParameter::order,
     .name = "order",
     .bounds = {TEMPER_ORDER_ENTROPY, TEMPER_ORDER_ENTROPY, TEMPER_ORDER_ENTROPY, true}},
    {.parameter = SamplerParameter::end_rule, .name = "end rule", .bounds = ordered::end_bounds}};

}  // namespace

const Kind kinds::entropy_bound = {.name = "entropy-bound",
                                   .own = own_parameters,
                                   .check = check,
                                   .decide = ordered::decide,
                                   .ask = ordered::ask,
                                   .choose = ordered::choose,
                                   .finish = finish,
                                   .keeps_visible = always};

}  // namespace temper
