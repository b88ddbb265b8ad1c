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
  if (window.memory->held >= p.corrector_steps) return false;
  return std::any_of(window.positions.begin(), window.positions.end(),
                     [&](const SamplerPosition &at) { return can_correct(head, at); });
}

void decide(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  if (!corrects(p, head, window)) return kinds::ancestral.decide(p, head, window);
  decide_each(head, window, [](const SamplerPosition &, const Draws &) { return Move::keep; });
  // The smallest draws are the random choice; no list is needed for few of many.
  for (int32_t n = 0; n < p.corrector_positions; ++n) {
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

// p(x_t^i | the others): uniform noise, or the leave-one-out prediction.
bool becomes_noise(const Place &place) noexcept {
  const Transition &step = *place.at.transition;
  return step.one_minus_kappa_t > 0 && !place.draws.bernoulli(DrawTag::prediction_or_uniform, step.kappa_t);
}

void ask(const Place &place, temper_question &question) noexcept {
  if (place.move != Move::correct) return kinds::ancestral.ask(place, question);
  if (becomes_noise(place)) return;
  ask_shifted(place, shift_to_leave_one_out(place.head, *place.at.transition), question);
  ask_token(place, DrawTag::corrected_token, question);
}

void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  if (place.move != Move::correct) return kinds::ancestral.choose(place, answer, proposal);
  if (!becomes_noise(place)) return take_token(place, answer, proposal);
  proposal.token = uniform_token(place.head, place.draws);
  proposal.probability = 0;
}

Verdict finish(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  return corrects(p, head, window) ? Verdict::hold : Verdict::advance;
}

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::corrector_steps, .name = "corrector steps", .bounds = {0, 1000, 1, true}},
    {.parameter = SamplerParameter::corrector_positions, .name = "corrector positions", .bounds = {1, 65536, 1, true}}};

}  // namespace

const Kind kinds::gibbs = {.name = "predictor-corrector",
                           .own = own_parameters,
                           .check = check,
                           .decide = decide,
                           .ask = ask,
                           .choose = choose,
                           .finish = finish};

}  // namespace temper
