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
  for (std::size_t i = 0; i < window.positions.size(); ++i) {
    const SamplerPosition &at = window.positions[i];
    const Transition &step = *at.transition;
    const Draws draws = window.draws.at(at.position);
    Move move = kKeep;
    if (!rests(at)) {
      if (is_masked(head, at)) {
        if (step.final || draws.bernoulli(DrawTag::reveal, step.reveal)) move = kDraw;
      } else if (!head.carry_over) {
        // No correction in the last step.
        if (draws.bernoulli(DrawTag::correct, step.final ? 0 : parameters.eta * step.stay)) move = kCorrect;
      }
    }
    propose_move(head, at, move, draws, window.proposals[i]);
  }
}

void propose(RowWork &row, Proposal &proposal) noexcept {
  if (proposal.move != kCorrect) return take(row, row.draws.bits(DrawTag::token), proposal);
  // A raw posterior head is taken as it is: its tilt is part of the method.
  if (row.head.kind != HeadForm::posterior && row.parameters.temperature > 0) {
    const double shift = shift_to_posterior(row.head, *row.at.transition);
    if (shift != 0)
      row.memory.change(row.at.token,
                        row.memory.logits[static_cast<std::size_t>(row.at.token)] + shift / row.memory.scale);
  }
  take(row, row.draws.bits(DrawTag::corrected_token), proposal);
}

constexpr KindParameter kOwn[] = {{SamplerParameter::eta, {0, 1, 0.01, false}},
                                  {SamplerParameter::compat, {0, 1, 0, true}}};

}  // namespace

const Kind kinds::acs = {true, kOwn, check, decide, propose, nullptr, if_carried_over};

}  // namespace temper
