// SPDX-License-Identifier: Apache-2.0
// Draws a clean token and noises it to the next level: forgets the present state, keeps the marginals (MATH 4.2).
// As published (compat): 1 `remask`, 2 `remask_adhoc_shuffle` of the HDLM program.
#include "sampler/kind.h"

namespace temper {
namespace {

Status check(const SamplerParameters &parameters, const HeadDescription &head, const Noise &noise) {
  if (parameters.compat != 0) return needs_mask(head, noise, "published remasking");
  return Status();
}

Move renoise_move(const SamplerParameters &parameters, const HeadDescription &head, const SamplerPosition &at,
                  const Draws &draws) noexcept {
  const Transition &step = *at.transition;
  if (rests(at)) return Move::keep;
  const bool masked = is_masked(head, at);
  if (parameters.compat != 0) {
    const bool shown = step.final || draws.bernoulli(DrawTag::reveal, step.reveal);
    if (!shown) return masked ? Move::keep : Move::remask;
    if (masked) return Move::draw;
    if (parameters.compat == 1) return Move::keep;
    return draws.bernoulli(DrawTag::correct, step.final ? 0 : parameters.eta * step.stay) ? Move::correct : Move::keep;
  }
  if (!step.final && draws.bernoulli(DrawTag::remask, step.m_s)) return masked ? Move::keep : Move::remask;
  if (step.kappa_s < 1 && !draws.bernoulli(DrawTag::prediction_or_uniform, step.kappa_s)) return Move::uniform;
  if (masked) return Move::draw;
  return head.carry_over || step.visible_fixed ? Move::keep : Move::correct;
}

void decide(const SamplerParameters &parameters, const HeadDescription &head, const SamplerWindow &window) noexcept {
  decide_each(head, window, [&](const SamplerPosition &at, const Draws &draws) {
    return renoise_move(parameters, head, at, draws);
  });
}

void propose(RowWork &row, Proposal &proposal) noexcept {
  if (proposal.move == Move::correct && row.parameters.compat == 0)
    shift_own(row, shift_to_posterior(row.head, *row.at.transition));
  take(row, row.draws.bits(proposal.move == Move::correct ? DrawTag::corrected_token : DrawTag::token), proposal);
}

constexpr KindParameter own_parameters[] = {{SamplerParameter::compat, {0, 2, 0, true}},
                                  {SamplerParameter::eta, {0, 1, 0.01, false}}};

}  // namespace

const Kind kinds::renoise = {true, own_parameters, check, decide, propose, nullptr, nullptr};

}  // namespace temper
