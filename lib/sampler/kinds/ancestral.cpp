// SPDX-License-Identifier: Apache-2.0
// The exact reverse chain on any path (MATH 1.4, equation (4), drawn as in MATH 4.4), and the same decisions with
// the most probable token.
#include "sampler/kind.h"

namespace temper {
namespace {

Move ancestral_move(const HeadDescription &head, const SamplerPosition &at, const Draws &draws, bool greedy) noexcept {
  const Transition &step = *at.transition;
  if (rests(at)) return Move::keep;
  if (is_masked(head, at)) {
    const Move move = reveal_move(head, at, step.reveal, draws);
    return greedy && move == Move::uniform ? Move::draw : move;
  }
  if (head.carry_over || step.visible_fixed) return Move::keep;
  // The chance of an edit is largest when the model gives the token no probability: mostly that is enough
  // to know that it stays.
  const auto n = static_cast<double>(head.tokens());
  const double most = step.phi * (step.kappa_s + step.one_minus_kappa_s * (n - 1) / n);
  return draws.uniform(DrawTag::edit) < most * (1 + 1e-12) ? Move::edit : Move::keep;
}

template <bool greedy>
void decide(const SamplerParameters &, const HeadDescription &head, const SamplerWindow &window) noexcept {
  decide_each(head, window, [&](const SamplerPosition &at, const Draws &draws) {
    return ancestral_move(head, at, draws, greedy);
  });
}

template <bool greedy>
void propose(RowWork &row, Proposal &proposal) noexcept {
  if (proposal.move == Move::edit) edit_visible(row, greedy, proposal);
  else take(row, row.draws.bits(DrawTag::token), proposal, greedy);
}

constexpr KindParameter compat_modes[] = {{SamplerParameter::compat, {0, 1, 0, true}}};

}  // namespace

const Kind kinds::ancestral = {true, compat_modes, nullptr, decide<false>, propose<false>, nullptr, if_carried_over};
const Kind kinds::greedy = {false, {}, nullptr, decide<true>, propose<true>, nullptr, if_carried_over};

}  // namespace temper
