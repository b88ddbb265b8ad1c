// SPDX-License-Identifier: Apache-2.0
// As many a call as the levels say, the most confident first (LLaDA, arXiv 2502.09992; Dream, arXiv 2508.15487).
#include "sampler/kinds/ordered.h"

#include <cmath>

namespace temper {
namespace {

Status check(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  return needs_mask(head, noise, "confidence");
}

Verdict finish(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  // What the levels would reveal on average: LLaDA's even split when rounded up, Dream's number rounded down.
  double expected = 0;
  bool any = false;
  for (size_t i = 0; i < window.positions.size(); ++i)
    if (window.proposals[i].move == Move::rank) {
      any = true;
      expected += window.positions[i].transition->final ? 1 : window.positions[i].transition->reveal;
    }
  double quota = p.rule == TEMPER_COUNT_EVEN ? std::ceil(expected - 1e-9) : std::floor(expected + 1e-9);
  if (any && quota < 1 && p.compat == 0) quota = 1;
  for (double kept = ordered::keep_final(window); kept < quota; ++kept)
    if (Proposal *best = ordered::best_left(window)) best->move = Move::draw;
  return ordered::close(head, window);
}

std::string remark(const SamplerParameters &p, const HeadDescription &head, const Noise &noise) {
  // Rounded down, compat also lets a call reveal nothing.
  return p.rule == TEMPER_COUNT_FLOOR ? "" : remark_on_mask(p, head, noise);
}

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::order, .name = "order", .bounds = ordered::order_bounds},
    {.parameter = SamplerParameter::order_temperature, .name = "order temperature", .bounds = {0, 100, 0, false}},
    {.parameter = SamplerParameter::rule, .name = "rule", .bounds = {TEMPER_COUNT_EVEN, TEMPER_COUNT_FLOOR, 0, true}},
    {.parameter = SamplerParameter::compat, .name = "compat", .bounds = {0, 1, 0, true}},
    {.parameter = SamplerParameter::end_rule, .name = "end rule", .bounds = ordered::end_bounds}};

}  // namespace

const Kind kinds::confidence = {.name = "confidence",
                                .own = own_parameters,
                                .check = check,
                                .decide = ordered::decide,
                                .ask = ordered::ask,
                                .choose = ordered::choose,
                                .finish = finish,
                                .keeps_visible = always,
                                .remark = remark};

}  // namespace temper
