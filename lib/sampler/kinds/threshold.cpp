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
    {.parameter = SamplerParameter::order, .name = "order", .bounds = ordered::order_bounds},
    {.parameter = SamplerParameter::threshold, .name = "threshold", .bounds = {0, 1, 0.9, false}},
    {.parameter = SamplerParameter::factor, .name = "factor", .bounds = {0, 1000, 0, false}},
    {.parameter = SamplerParameter::compat, .name = "compat", .bounds = {0, 1, 0, true}},
    {.parameter = SamplerParameter::end_rule, .name = "end rule", .bounds = ordered::end_bounds}};

}  // namespace

const Kind kinds::threshold = {.name = "threshold",
                               .own = own_parameters,
                               .check = check,
                               .decide = ordered::decide,
                               .ask = ordered::ask,
                               .choose = ordered::choose,
                               .finish = finish,
                               .keeps_visible = always,
                               .remark = remark_on_mask};

}  // namespace temper
