// SPDX-License-Identifier: Apache-2.0
// ReMDM (arXiv 2503.00307; MATH 4.2): the absorbing chain with visible tokens that become masks again with
// probability sigma, and masks revealed the more often for it, so that the marginals stay.
#include "sampler/kinds/published.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

Status check(const SamplerParameters &parameters, const HeadDescription &head, const Noise &noise) {
  TEMPER_TRY(needs_mask(head, noise, "ReMDM"));
  TEMPER_TRY(needs_no_uniform(noise, "ReMDM"));
  if (parameters.rule == TEMPER_REMDM_LOOP) {
    if (!(parameters.t_off < parameters.t_on))
      return fail(TEMPER_E_ARGUMENT, "ReMDM's loop ends at t = %g, it can't begin at %g", parameters.t_off,
                  parameters.t_on);
    if (parameters.eta * parameters.alpha_on > 1 - parameters.alpha_on)
      return fail(TEMPER_E_ARGUMENT, "ReMDM's loop can't remask %g of the tokens where %g are visible", parameters.eta,
                  parameters.alpha_on);
  }
  return Status();
}

// alpha of the loop: up to alpha_on, level, and up to 1.
double loop_alpha(const SamplerParameters &p, double t) noexcept {
  if (t > p.t_on) return p.alpha_on * (1 - t) / (1 - p.t_on);
  if (t > p.t_off) return p.alpha_on;
  return p.t_off > 0 ? 1 - (1 - p.alpha_on) * t / p.t_off : 1;
}

struct Chances {
  double remask = 0, reveal = 0;
};

// `weight`: share of sigma_max that conf gives this position.
Chances chances_of(const SamplerParameters &p, const Transition &step, double weight) noexcept {
  double alpha_t = 1 - step.m_t, alpha_s = 1 - step.m_s, sigma = 0;
  if (p.rule == TEMPER_REMDM_LOOP) {
    alpha_t = loop_alpha(p, step.t);
    alpha_s = loop_alpha(p, step.s);
    if (alpha_t == p.alpha_on && alpha_s == p.alpha_on && step.s > 0) sigma = p.eta;
  } else {
    const double most = alpha_t > 0 ? std::min(1.0, (1 - alpha_s) / alpha_t) : 1;
    sigma = p.rule == TEMPER_REMDM_CAP       ? std::min(p.eta, most)
            : p.rule == TEMPER_REMDM_RESCALE ? p.eta * most
                                             : weight * most;
  }
  if (step.final) return {0, 1};
  const double masked = 1 - alpha_t;
  const double reveal = masked > 0 ? (alpha_s - (1 - sigma) * alpha_t) / masked : 1;
  return {sigma, std::clamp(reveal, 0.0, 1.0)};
}

// The published program's step: sigma = min(eta, s/(1-t)), and the mask's place in the softmax set to it.
double published_sigma(const SamplerParameters &p, const Transition &step) noexcept {
  return step.t >= 1 ? p.eta : std::min(p.eta, step.s / (1 - step.t));
}

void decide(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  const bool conf = p.rule == TEMPER_REMDM_CONF && p.compat == 0;
  double sum = 0;
  if (conf)
    for (const SamplerPosition &at : window.positions)
      if (!rests(at) && !is_masked(head, at)) sum += std::exp(-at.memory->probability);
  decide_each(head, window, [&](const SamplerPosition &at, const Draws &draws) {
    if (rests(at)) return Move::keep;
    const bool masked = is_masked(head, at);
    if (p.compat != 0) return masked ? Move::draw : Move::keep;
    if (masked)
      return draws.uniform(DrawTag::reveal) < chances_of(p, *at.transition, 0).reveal ? Move::draw : Move::keep;
    const double weight = conf ? std::exp(-at.memory->probability) / sum : 0;
    return draws.uniform(DrawTag::remask) < chances_of(p, *at.transition, weight).remask ? Move::remask : Move::keep;
  });
}

void ask(const Place &place, temper_question &question) noexcept {
  if (place.parameters.compat == 0) ask_token(place, DrawTag::token, question);
  else question.asked |= TEMPER_ASK_BELIEF;
}

void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  take_token(place, answer, proposal);
}

// q = (1-sigma) softmax(l) over all ids, then q(mask) = sigma; drawn from (q + 1e-8)^(1/T). As shares of the largest:
// at a small temperature the powers themselves leave the range of numbers.
void choose_from_row(const Place &place, const WholeRow &row, Proposal &proposal) noexcept {
  constexpr double least = 1e-8;
  Workspace::Memory &memory = row.memory;
  const auto n = static_cast<size_t>(place.head.tokens());
  const double sigma = published_sigma(place.parameters, *place.at.transition), mask = sigma + least;
  for (size_t i = 0; i < n; ++i) {
    const int32_t id = token_of_dense(place.head, static_cast<int32_t>(i));
    memory.other[i] = (1 - sigma) * memory.believed(memory.logits[static_cast<size_t>(id)]) + least;
  }
  const double highest = std::max(mask, largest(memory.other.data(), n));
  const auto weight = [&](double q) {
    if (place.certain()) return q == highest ? 1.0 : 0.0;
    return std::pow(q / highest, 1 / place.parameters.temperature);
  };
  for (size_t i = 0; i < n; ++i) memory.other[i] = weight(memory.other[i]);
  proposal.token = draw_state(place.head, memory, weight(mask), place.draws.bits(DrawTag::token));
}

Verdict finish(const SamplerParameters &, const HeadDescription &head, const SamplerWindow &window) noexcept {
  // conf remembers how sure the model was when a token was revealed.
  for (size_t i = 0; i < window.positions.size(); ++i) {
    const Proposal &proposal = window.proposals[i];
    if (proposal.token == window.positions[i].token) continue;
    window.positions[i].memory->probability = is_masked(head, proposal.token) ? 0 : proposal.probability;
  }
  return Verdict::advance;
}

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::rule, .name = "rule", .bounds = {TEMPER_REMDM_CAP, TEMPER_REMDM_LOOP, 0, true}},
    {.parameter = SamplerParameter::eta, .name = "eta", .bounds = {0, 1, 0.02, false}},
    {.parameter = SamplerParameter::t_on, .name = "t_on", .bounds = {0, 1, 0.55, false}},
    {.parameter = SamplerParameter::t_off, .name = "t_off", .bounds = {0, 1, 0.05, false}},
    {.parameter = SamplerParameter::alpha_on, .name = "alpha_on", .bounds = {0, 0.999, 0.9, false}},
    {.parameter = SamplerParameter::compat, .name = "compat", .bounds = {0, 1, 0, true}}};

}  // namespace

const Kind kinds::remdm = {.name = "ReMDM",
                           .own = own_parameters,
                           .check = check,
                           .decide = decide,
                           .ask = ask,
                           .choose = choose,
                           .finish = finish,
                           .choose_from_row = choose_from_row};

}  // namespace temper
