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
    if (is_masked(head, at))
      return step.final || draws.bernoulli(DrawTag::reveal, step.reveal) ? Move::draw : Move::keep;
    if (head.carry_over) return Move::keep;
    // No correction in the last step.
    return draws.bernoulli(DrawTag::correct, step.final ? 0 : parameters.eta * step.stay) ? Move::correct : Move::keep;
  });
}

void ask(const Place &place, temper_question &question) noexcept {
  if (place.move != Move::correct) return ask_token(place, DrawTag::token, question);
  // A raw posterior head is taken as it is: its tilt is part of the method.
  if (place.head.kind != HeadForm::posterior)
    ask_shifted(place, shift_to_posterior(place.head, *place.at.transition), question);
  ask_token(place, DrawTag::corrected_token, question);
}

void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  take_token(place, answer, proposal);
}

std::string remark(const SamplerParameters &parameters, const HeadDescription &head, const Noise &noise) {
  if (parameters.eta > 0 && head.carry_over)
    return "eta does nothing: the model was trained to keep visible tokens, so none is drawn anew";
  return remark_on_mask(parameters, head, noise);
}

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::eta, .name = "eta", .bounds = {0, 1, 0.01, false}},
    {.parameter = SamplerParameter::compat, .name = "compat", .bounds = {0, 1, 0, true}}};

}  // namespace

const Kind kinds::acs = {.name = "adaptive correction",
                         .own = own_parameters,
                         .check = check,
                         .decide = decide,
                         .ask = ask,
                         .choose = choose,
                         .keeps_visible = if_carried_over,
                         .remark = remark};

}  // namespace temper
