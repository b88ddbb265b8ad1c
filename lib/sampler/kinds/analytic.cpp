// SPDX-License-Identifier: Apache-2.0
// The analytic step of score models (SEDD, arXiv 2310.16834): scores to the leave-one-out prediction (10), to the
// step (6). That is the law of the ancestral step, whose few draws cost less than a pass over the whole
// distribution, so they are taken. As published for the gamma-hybrid (compat) it is another law: the score
// staggered by a mixture of the two pure transforms, negative values left out (MATH 7, D1), in one draw.
#include "sampler/kinds/published.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

Status check(const SamplerParameters &parameters, const HeadDescription &head, const Noise &noise) {
  if (parameters.compat == 0) return Status();
  if (head.kind != HeadForm::score_exact && head.kind != HeadForm::score_official_gamma)
    return Status(TEMPER_E_UNSUPPORTED, "the published analytic step needs a model of scores");
  if (noise.parameters().path != NoisePath::gamma && noise.parameters().path != NoisePath::uniform &&
      noise.parameters().path != NoisePath::absorbing)
    return Status(TEMPER_E_UNSUPPORTED, "the published analytic step is for paths with two clocks of one shape");
  return Status();
}

void decide(const SamplerParameters &parameters, const HeadDescription &head, const SamplerWindow &window) noexcept {
  if (parameters.compat == 0) return kinds::ancestral.decide(parameters, head, window);
  decide_each(head, window, [&](const SamplerPosition &at, const Draws &) {
    return Sampler::is_certain(head, at) ? Move::keep : Move::state;
  });
}

void ask(const Place &place, temper_question &question) noexcept {
  if (place.parameters.compat == 0) kinds::ancestral.ask(place, question);
}

void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  kinds::ancestral.choose(place, answer, proposal);
}

// The raw scores of the N tokens, in order, to memory.other; the mask's own.
bool load_scores(const HeadDescription &head, const WholeRow &row, double &mask_score) noexcept {
  size_t n = 0;
  for (int32_t id = 0; id < head.vocabulary; ++id) {
    const auto logit = static_cast<double>(row.logits[static_cast<size_t>(id)] - row.offset);
    const double score = std::exp(std::min(logit, 600.0));
    if (std::isnan(score)) return false;
    if (id == head.mask_token) mask_score = score;
    else row.memory.other[n++] = score;
  }
  // The step compares scores with their mean: one that isn't drawn may not lift it above all the others.
  for (size_t i = 0; i < head.forbidden_count; ++i)
    row.memory.other[static_cast<size_t>(dense_index(head, head.forbidden[i]))] = 0;
  return true;
}

// From the scores in memory.other to the probabilities of the step; the mask's.
double published_step(const Place &place, double mask_score, Workspace::Memory &memory) noexcept {
  const Transition &step = *place.at.transition;
  const auto n = static_cast<size_t>(place.head.tokens());
  const double tokens = place.tokens();
  double *s = memory.other.data();
  const double lam = step.lam_t - step.lam_s, mu = std::log((1 - step.m_s) / (1 - step.m_t));
  const double d = std::min(lam + mu, 700.0);
  const double g = std::isinf(lam) ? 1 : d > 0 ? lam / (lam + mu) : 0;
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += s[i];
  const double grow = std::exp(d), r = std::exp(-mu), k = std::exp(-lam);
  const double spread = g * (grow - 1) * sum / tokens;
  const double mask = (1 - g) * (mask_score - (grow - 1) * sum) + g * mask_score;
  const bool masked = is_masked(place.head, place.at);
  const int32_t y = masked ? -1 : dense_index(place.head, place.at.token);
  for (size_t i = 0; i < n; ++i) {
    const double staggered = grow * s[i] - spread;
    const double back = masked ? 1 - r : (static_cast<int32_t>(i) == y ? r * k : 0) + r * (1 - k) / tokens;
    s[i] = std::max(0.0, staggered * back);
  }
  return masked && !step.final ? std::max(0.0, mask) : 0;
}

void choose_from_row(const Place &place, const WholeRow &row, Proposal &proposal) noexcept {
  double mask_score = 0;
  if (!load_scores(place.head, row, mask_score)) return;
  const double mask = published_step(place, mask_score, row.memory);
  proposal.token = draw_state(place.head, row.memory, mask, place.draws.bits(DrawTag::token));
  proposal.probability = probability_of(place, row.memory, proposal.token);
}

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::compat, .name = "compat", .bounds = {0, 1, 0, true}}};

}  // namespace

const Kind kinds::analytic = {.name = "analytic",
                              .own = own_parameters,
                              .check = check,
                              .decide = decide,
                              .ask = ask,
                              .choose = choose,
                              .keeps_visible = if_carried_over,
                              .choose_from_row = choose_from_row};

}  // namespace temper
