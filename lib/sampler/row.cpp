// SPDX-License-Identifier: Apache-2.0
#include "sampler/row.h"

#include "base/ranks.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

// Another token than the one that is there, all alike; -1 where there is none.
int32_t uniform_other(const Place &place) noexcept {
  const int32_t own = place.at.token;
  const bool leaves_out = is_emittable(place.head, own);
  const uint64_t choices = emittable(place.head) - (leaves_out ? 1 : 0);
  if (choices == 0) return SamplerPosition::no_token;
  return id_of_rank(place.head, place.draws.integer(DrawTag::uniform_token, choices), leaves_out ? own : -1);
}

// Log-scores that a softmax doesn't turn into a prediction have to be decoded.
int32_t form_of(const HeadDescription &head, const SamplerPosition &at) noexcept {
  const bool masked = is_masked(head, at);
  switch (head.kind) {
    case HeadForm::score_exact:
      return masked && at.transition->kappa_t == 1 ? TEMPER_ROW_LOGITS : TEMPER_ROW_SCORES;
    case HeadForm::score_official_gamma: return masked ? TEMPER_ROW_LOGITS : TEMPER_ROW_GAMMA_SCORES;
    case HeadForm::posterior:
    case HeadForm::leave_one_out: break;
  }
  return TEMPER_ROW_LOGITS;
}

}  // namespace

uint64_t emittable(const HeadDescription &head) noexcept {
  return static_cast<uint64_t>(head.tokens()) - head.forbidden_count;
}

bool is_emittable(const HeadDescription &head, int32_t token) noexcept {
  return !std::binary_search(head.forbidden, head.forbidden + head.forbidden_count, token);
}

int32_t id_of_rank(const HeadDescription &head, uint64_t rank, int32_t skip) noexcept {
  return id_of_rank(static_cast<int32_t>(rank), {head.forbidden, head.forbidden_count}, head.mask_token, skip);
}

int32_t uniform_token(const HeadDescription &head, const Draws &draws) noexcept {
  return id_of_rank(head, draws.integer(DrawTag::uniform_token, emittable(head)), -1);
}

Move reveal_move(const Transition &step, double chance, const Draws &draws) noexcept {
  // No mask may be left at level 0, whatever the path says.
  if (!step.final && !draws.bernoulli(DrawTag::reveal, chance)) return Move::keep;
  if (step.kappa_s == 1 || draws.bernoulli(DrawTag::prediction_or_uniform, step.kappa_s)) return Move::draw;
  return Move::uniform;
}

void propose_move(const HeadDescription &head, const SamplerPosition &at, Move move, const Draws &draws,
                  Proposal &proposal) noexcept {
  proposal = Proposal();
  proposal.move = move;
  proposal.token = at.token;
  if (move == Move::uniform) proposal.token = uniform_token(head, draws);
  if (move == Move::remask) proposal.token = head.mask_token;
  proposal.needs_logits = move != Move::keep && move != Move::uniform && move != Move::remask;
}

double shift_to_posterior(const HeadDescription &head, const Transition &step) noexcept {
  const auto n = static_cast<double>(head.tokens());
  switch (head.kind) {
    case HeadForm::posterior: {
      if (std::isnan(head.kappa_eff) || step.visible_fixed) return 0;
      const double rho_eff = (1 - head.kappa_eff) / (1 + (n - 1) * head.kappa_eff);
      return std::log(rho_eff) - std::log(step.rho(n));
    }
    case HeadForm::leave_one_out:
    case HeadForm::score_exact: return step.visible_fixed ? 0 : -std::log(step.rho(n));
    case HeadForm::score_official_gamma: break;
  }
  return 0;
}

double shift_to_leave_one_out(const HeadDescription &head, const Transition &step) noexcept {
  const auto n = static_cast<double>(head.tokens());
  switch (head.kind) {
    case HeadForm::leave_one_out:
    case HeadForm::score_exact: return 0;
    case HeadForm::posterior:
      if (!std::isnan(head.kappa_eff)) return std::log((1 - head.kappa_eff) / (1 + (n - 1) * head.kappa_eff));
      break;
    case HeadForm::score_official_gamma: break;
  }
  return step.visible_fixed ? 0 : std::log(step.rho(n));
}

temper_question describe_row(const HeadDescription &head, const SamplerPosition &at) noexcept {
  temper_question question = plain_question();
  question.form = form_of(head, at);
  question.columns = head.columns;
  question.vocabulary = head.vocabulary;
  question.mask = head.mask_token;
  question.own = is_masked(head, at) ? -1 : at.token;
  question.kappa = at.transition->kappa_t;
  question.sigma = at.transition->sigma_t;
  question.excluded = head.forbidden;
  question.excluded_count = head.forbidden_count;
  return question;
}

void ask_token(const Place &place, DrawTag tag, temper_question &question, bool best) noexcept {
  if (place.certain()) {
    question.asked |= TEMPER_ASK_BEST;
  } else if (best) {
    question.asked |= TEMPER_ASK_BEST | TEMPER_ASK_TOTAL;
  } else {
    question.asked |= TEMPER_ASK_DRAW;
    question.bits = place.draws.bits(tag);
  }
}

void take_token(const Place &place, const temper_answer &answer, Proposal &proposal, bool best) noexcept {
  best = best || place.certain();
  proposal.token = best ? answer.best : answer.token;
  proposal.probability = place.certain() ? 1 : (best ? TEMPER_WEIGHT_ONE : answer.weight) / answer.total;
}

void ask_shifted(const Place &place, double shift, temper_question &question) noexcept {
  if (place.certain()) return;
  question.own_weight = TEMPER_OWN_SHIFTED;
  question.shift = shift;
}

void ask_apart(const Place &place, double shift, temper_question &question, bool best) noexcept {
  question.own_weight = TEMPER_OWN_APART;
  question.shift = shift;
  ask_token(place, DrawTag::token, question, best);
  if (place.certain()) {
    question.asked |= TEMPER_ASK_FAVOURITE;
    return;
  }
  const int32_t other = uniform_other(place);
  if (other < 0) return;
  question.asked |= TEMPER_ASK_PROBE;
  question.probe = other;
}

OwnAndRest own_and_rest(const Place &place, const temper_answer &answer) noexcept {
  if (!place.certain()) return {answer.own, answer.total};
  return answer.favourite == place.at.token ? OwnAndRest{1, 0} : OwnAndRest{0, 1};
}

void take_other(const Place &place, const temper_answer &answer, bool predicted, Proposal &proposal,
                bool best) noexcept {
  const int32_t other = predicted ? (best || place.certain() ? answer.best : answer.token) : uniform_other(place);
  if (other < 0) return;
  const OwnAndRest weights = own_and_rest(place, answer);
  proposal.token = other;
  if (place.certain()) proposal.probability = predicted ? weights.rest : 0;
  else
    proposal.probability = (predicted ? (best ? TEMPER_WEIGHT_ONE : answer.weight) : answer.probe) /
                           (weights.own + weights.rest);
}

void ask_edit(const Place &place, temper_question &question, bool greedy) noexcept {
  ask_apart(place, shift_to_posterior(place.head, *place.at.transition), question, greedy);
}

void take_edit(const Place &place, const temper_answer &answer, Proposal &proposal, bool greedy) noexcept {
  const Transition &step = *place.at.transition;
  const double n = place.tokens();
  const OwnAndRest weights = own_and_rest(place, answer);
  const double own = weights.own / (weights.own + weights.rest);
  const double omega = 1 - own * (1 - step.rho(n));
  const double w1 = step.kappa_s * (weights.rest / (weights.own + weights.rest));
  const double w2 = step.one_minus_kappa_s * (n - 1) / n * omega;
  proposal.token = place.at.token;
  proposal.probability = own;
  if (!place.draws.bernoulli(DrawTag::edit, step.phi * (w1 + w2))) return;
  const bool predicted =
      w2 == 0 ||
      (weights.rest > 0 && (greedy || place.draws.bernoulli(DrawTag::prediction_or_uniform, w1 / (w1 + w2))));
  take_other(place, answer, predicted, proposal, greedy);
}

}  // namespace temper
