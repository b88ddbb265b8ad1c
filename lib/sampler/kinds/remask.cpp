// SPDX-License-Identifier: Apache-2.0
// Exact remasking (MATH 1.6, equation (8)): a chain with the path's own marginals in which visible tokens become
// masks again, the likelier the less the model believes them. zeta 0 is the absorbing chain, 1 the resampling
// kernel of GIDD (arXiv 2503.04482).
#include "noise/posterior.h"
#include "sampler/kind.h"

namespace temper {
namespace {

Status check(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  TEMPER_TRY(needs_mask(head, noise, "remasking"));
  if (!noise.uses_uniform())
    return Status(TEMPER_E_UNSUPPORTED, "exact remasking needs a path with uniform noise: on masks alone a visible "
                                        "token is known to be right");
  return Status();
}

void decide(const SamplerParameters &parameters, const HeadDescription &head, const SamplerWindow &window) noexcept {
  for (std::size_t i = 0; i < window.positions.size(); ++i) {
    const SamplerPosition &at = window.positions[i];
    const Transition &step = *at.transition;
    const Draws draws = window.draws.at(at.position);
    Move move = kKeep;
    if (!rests(at)) {
      if (is_masked(head, at)) {
        const double stay = (1 - remasking_rate(step, parameters.zeta)) * step.stay;
        move = reveal_move(head, at, 1 - stay, draws);
      } else if (!step.visible_fixed) {
        move = kLaw;
      }
    }
    propose_move(head, at, move, draws, window.proposals[i]);
  }
}

void propose(RowWork &row, Proposal &proposal) noexcept {
  if (proposal.move == kDraw) return take(row, row.draws.bits(DrawTag::token), proposal);
  dense_leave_one_out(row);
  Transition step = *row.at.transition;
  step.zeta = row.parameters.zeta;
  const auto n = static_cast<std::size_t>(row.head.tokens());
  double *p = row.memory.other.data();
  double mask = 0;
  step_remasking(step, n, dense_index(row.head, row.at.token), p, p, &mask);
  proposal.token = draw_state(row, step.final ? 0 : mask, row.draws.bits(DrawTag::remask));
  proposal.probability = probability_of(row, proposal.token);
}

constexpr KindParameter kOwn[] = {{SamplerParameter::zeta, {0, 1, 1, false}}};

}  // namespace

const Kind kinds::remask = {true, kOwn, check, decide, propose, nullptr, nullptr};

}  // namespace temper
