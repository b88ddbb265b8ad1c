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
    const Move move = reveal_move(step, step.reveal, draws);
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
void ask(const Place &place, temper_question &question) noexcept {
  if (place.move == Move::edit) ask_edit(place, question, greedy);
  else ask_token(place, DrawTag::token, question, greedy);
}

template <bool greedy>
void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  if (place.move == Move::edit) take_edit(place, answer, proposal, greedy);
  else take_token(place, answer, proposal, greedy);
}

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::compat, .name = "compat", .bounds = {0, 1, 0, true}}};

}  // namespace

const Kind kinds::ancestral = {.name = "ancestral",
                               .own = own_parameters,
                               .decide = decide<false>,
                               .ask = ask<false>,
                               .choose = choose<false>,
                               .keeps_visible = if_carried_over,
                               .remark = remark_on_mask};
const Kind kinds::greedy = {.name = "greedy",
                            .draws = false,
                            .decide = decide<true>,
                            .ask = ask<true>,
                            .choose = choose<true>,
                            .keeps_visible = if_carried_over};

}  // namespace temper
