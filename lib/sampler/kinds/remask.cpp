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
  decide_each(head, window, [&](const SamplerPosition &at, const Draws &draws) {
    const Transition &step = *at.transition;
    if (rests(at)) return Move::keep;
    if (is_masked(head, at))
      return reveal_move(step, 1 - (1 - remasking_rate(step, parameters.zeta)) * step.stay, draws);
    return step.visible_fixed ? Move::keep : Move::edit;
  });
}

void ask(const Place &place, temper_question &question) noexcept {
  if (place.move == Move::draw) return ask_token(place, DrawTag::token, question);
  ask_apart(place, shift_to_leave_one_out(place.head, *place.at.transition), question);
}

// Visible: back to the mask, as it is, or another token; (8) needs no more of the prediction than the token's own.
void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  if (place.move == Move::draw) return take_token(place, answer, proposal);
  const Transition &step = *place.at.transition;
  const double n = place.tokens();
  const OwnAndRest weights = own_and_rest(place, answer);
  const double own = weights.own / (weights.own + weights.rest);
  const double visible_t = 1 - step.m_t, visible_s = 1 - step.m_s;
  const double a_s = visible_s * step.kappa_s, u_s = visible_s * step.one_minus_kappa_s;
  const double a_t = visible_t * step.kappa_t, u_t = visible_t * step.one_minus_kappa_t;
  const RemaskingKernel kernel = remasking_kernel(step, place.parameters.zeta);
  const double q_t = a_t * own + u_t / n;
  proposal.token = place.at.token;
  proposal.probability = own;
  if (!(visible_s > 0) || !(q_t > 0)) return;
  const double masked = step.final ? 0 : kernel.e / n * step.m_s / q_t;
  const double stays = (kernel.a + kernel.b / n) * (a_s * own + u_s / n) / q_t;
  const double u = place.draws.uniform(DrawTag::remask);
  if (u < masked) {
    proposal.token = place.head.mask_token;
    proposal.probability = 0;
    return;
  }
  if (u < masked + stays) return;
  const double predicted = a_s * (1 - own), uniform = u_s * (n - 1) / n;
  take_other(place, answer,
             uniform == 0 || (weights.rest > 0 && place.draws.bernoulli(DrawTag::prediction_or_uniform,
                                                                        predicted / (predicted + uniform))),
             proposal);
}

std::string remark(const SamplerParameters &parameters, const HeadDescription &, const Noise &noise) {
  constexpr int times = 64;
  for (int i = 1; i < times; ++i)
    if (noise.rates(static_cast<double>(i) / times).lam > 0) return "";
  if (parameters.zeta == 0) return "";
  return "zeta does nothing: on this path no mask ever turns into a uniform token, so no token is remasked";
}

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::zeta, .name = "zeta", .bounds = {0, 1, 1, false}}};

}  // namespace

const Kind kinds::remask = {.name = "remasking",
                            .own = own_parameters,
                            .check = check,
                            .decide = decide,
                            .ask = ask,
                            .choose = choose,
                            .remark = remark};

}  // namespace temper
