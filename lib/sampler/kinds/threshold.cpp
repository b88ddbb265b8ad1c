// SPDX-License-Identifier: Apache-2.0
// All that are confident enough, at least one (Fast-dLLM, arXiv 2505.22618).
#include "sampler/kinds/ordered.h"

namespace temper {
namespace {

Status check(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  return needs_mask(head, noise, "threshold");
}

Verdict finish(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  ordered::keep_confident(p, window);
  return ordered::close(head, window);
}

constexpr KindParameter own_parameters[] = {
    {SamplerParameter::order, ordered::order_bounds},     {SamplerParameter::threshold, {0, 1, 0.9, false}},
    {SamplerParameter::factor, {0, 1000, 0, false}}, {SamplerParameter::compat, {0, 1, 0, true}},
    {SamplerParameter::end_rule, ordered::end_bounds}};

}  // namespace

const Kind kinds::threshold = {true, own_parameters, check, ordered::decide, ordered::propose, finish, always};

}  // namespace temper
