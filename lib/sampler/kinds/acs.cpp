// SPDX-License-Identifier: Apache-2.0
// Adaptive correction (HDLM, arXiv 2504.06416; MATH 4.2): reveals as the absorbing chain does, and draws every
// visible active token anew with probability eta m_s/m_t. Decisions look at the state before the call.
#include "sampler/kind.h"

namespace temper {
namespace {

Status check(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  return needs_mask(head, noise, "adaptive correction");
}

void decide(const SamplerParameters &parameters, const HeadDescription &head, const SamplerWindow &window) noexcept {
  decide_each(head, window, [&](const SamplerPosition &at, const Draws &draws) {
    const Transition &step = *at.transition;
    if (rests(at)) return Move::keep;
    if (is_masked(head, at)) return step.final || draws.bernoulli(DrawTag::reveal, step.reveal) ? Move::draw : Move::keep;
    if (head.carry_over) return Move::keep;
    // No correction in the last step.
    return draws.bernoulli(DrawTag::correct, step.final ? 0 : parameters.eta * step.stay) ? Move::correct : Move::keep;
  });
}

void propose(RowWork &row, Proposal &proposal) noexcept {
  if (proposal.move != Move::correct) return take(row, row.draws.bits(DrawTag::token), proposal);
  // A raw posterior head is taken as it is: its tilt is part of the method.
  if (row.head.kind != HeadForm::posterior) shift_own(row, shift_to_posterior(row.head, *row.at.transition));
  take(row, row.draws.bits(DrawTag::corrected_token), proposal);
}

constexpr KindParameter own_parameters[] = {{SamplerParameter::eta, {0, 1, 0.01, false}},
                                  {SamplerParameter::compat, {0, 1, 0, true}}};

}  // namespace

const Kind kinds::acs = {true, own_parameters, check, decide, propose, nullptr, if_carried_over};

}  // namespace temper
