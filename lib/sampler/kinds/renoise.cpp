// SPDX-License-Identifier: Apache-2.0
// Draws a clean token and noises it to the next level: forgets the present state, keeps the marginals (MATH 4.2).
// As published (compat): 1 `remask`, 2 `remask_adhoc_shuffle` of the HDLM program.
#include "sampler/kind.h"

namespace temper {
namespace {

constexpr int32_t published_remask = 1;  // the other published form also corrects visible tokens

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
    const bool reveals = step.final || draws.bernoulli(DrawTag::reveal, step.reveal);
    if (!reveals) return masked ? Move::keep : Move::remask;
    if (masked) return Move::draw;
    if (parameters.compat == published_remask) return Move::keep;
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

void ask(const Place &place, temper_question &question) noexcept {
  if (place.move != Move::correct) return ask_token(place, DrawTag::token, question);
  if (place.parameters.compat == 0)
    ask_shifted(place, shift_to_posterior(place.head, *place.at.transition), question);
  ask_token(place, DrawTag::corrected_token, question);
}

void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  take_token(place, answer, proposal);
}

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::compat, .name = "compat", .bounds = {0, 2, 0, true}},
    {.parameter = SamplerParameter::eta, .name = "eta", .bounds = {0, 1, 0.01, false}}};

}  // namespace

const Kind kinds::renoise = {.name = "renoise",
                             .own = own_parameters,
                             .check = check,
                             .decide = decide,
                             .ask = ask,
                             .choose = choose};

}  // namespace temper
