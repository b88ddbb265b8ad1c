// SPDX-License-Identifier: Apache-2.0
// Predictor-corrector: before every move of the exact chain some calls that stay at the present level and draw
// visible tokens anew from p(x_t^i | the others) = P_t (MATH 4.2; leave-one-out Gibbs, arXiv 2605.22765). One
// position at a time leaves the marginal of the level as it is; several at once are an approximation.
#include "sampler/kind.h"

#include <algorithm>

namespace temper {
namespace {

Status check(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  TEMPER_TRY(needs_opinion(head, "predictor-corrector"));
  if (head.kind == HeadForm::posterior && !noise.uses_uniform())
    return Status(TEMPER_E_UNSUPPORTED, "a corrector needs a prediction that leaves the token itself out, which this "
                                        "model gives on paths with uniform noise only");
  return Status();
}

bool can_correct(const HeadDescription &head, const SamplerPosition &at) noexcept {
  return !rests(at) && !is_masked(head, at);
}

bool corrects(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  if (static_cast<double>(window.memory->held) >= p.corrector_steps) return false;
  return std::any_of(window.positions.begin(), window.positions.end(),
                     [&](const SamplerPosition &at) { return can_correct(head, at); });
}

void decide(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  if (!corrects(p, head, window)) return kinds::ancestral.decide(p, head, window);
  decide_each(head, window, [](const SamplerPosition &, const Draws &) { return Move::keep; });
  // The smallest draws are the random choice; no list is needed for few of many.
  for (double n = 0; n < p.corrector_positions; ++n) {
    size_t chosen = window.positions.size();
    double lowest = 2;
    for (size_t i = 0; i < window.positions.size(); ++i) {
      const SamplerPosition &at = window.positions[i];
      if (!can_correct(head, at) || window.proposals[i].needs_logits) continue;
      const double u = window.draws.at(at.position).uniform(DrawTag::correct);
      if (u < lowest) {
        lowest = u;
        chosen = i;
      }
    }
    if (chosen == window.positions.size()) break;
    const SamplerPosition &at = window.positions[chosen];
    propose_move(head, at, Move::correct, window.draws.at(at.position), window.proposals[chosen]);
  }
}

void propose(RowWork &row, Proposal &proposal) noexcept {
  if (proposal.move != Move::correct) return kinds::ancestral.propose(row, proposal);
  const Transition &step = *row.at.transition;
  if (step.one_minus_kappa_t > 0 && !row.draws.bernoulli(DrawTag::prediction_or_uniform, step.kappa_t)) {
    proposal.token = uniform_token(row.head, row.draws);
    proposal.probability = 0;
    return;
  }
  shift_own(row, shift_to_leave_one_out(row.head, step));
  take(row, row.draws.bits(DrawTag::corrected_token), proposal);
}

Verdict finish(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  return corrects(p, head, window) ? Verdict::hold : Verdict::advance;
}

constexpr KindParameter own_parameters[] = {{SamplerParameter::corrector_steps, {0, 1000, 1, true}},
                                  {SamplerParameter::corrector_positions, {1, 65536, 1, true}}};

}  // namespace

const Kind kinds::gibbs = {true, own_parameters, check, decide, propose, finish, nullptr};

}  // namespace temper
