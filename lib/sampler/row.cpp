// SPDX-License-Identifier: Apache-2.0
#include "sampler/row.h"

#include "noise/posterior.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace temper {
namespace {

constexpr double never = -std::numeric_limits<double>::infinity();

}  // namespace

uint64_t emittable(const HeadDescription &head) noexcept {
  return static_cast<uint64_t>(head.tokens()) - head.forbidden_count;
}

bool is_emittable(const HeadDescription &head, int32_t token) noexcept {
  return !std::binary_search(head.forbidden, head.forbidden + head.forbidden_count, token);
}

int32_t id_of_rank(const HeadDescription &head, uint64_t rank, int32_t skip) noexcept {
  // Every excluded id that is passed moves the answer up by one.
  const auto passed = [&](int32_t id) {
    const auto *end = std::upper_bound(head.forbidden, head.forbidden + head.forbidden_count, id);
    const bool mask = head.mask_token >= 0 && head.mask_token <= id, own = skip >= 0 && skip <= id;
    return static_cast<int32_t>(end - head.forbidden) + (mask ? 1 : 0) + (own ? 1 : 0);
  };
  const auto first = static_cast<int32_t>(rank);
  int32_t id = first;
  while (first + passed(id) > id) id = first + passed(id);
  return id;
}

int32_t uniform_token(const HeadDescription &head, const Draws &draws) noexcept {
  return id_of_rank(head, draws.integer(DrawTag::uniform_token, emittable(head)), -1);
}

Move reveal_move(const HeadDescription &, const SamplerPosition &at, double chance, const Draws &draws) noexcept {
  const Transition &step = *at.transition;
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
  proposal.changed = proposal.token != at.token;
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

void shift_own(RowWork &row, double shift) noexcept {
  if (shift == 0 || row.parameters.temperature == 0) return;
  const double logit = row.memory.logits[static_cast<size_t>(row.at.token)];
  row.memory.change(row.at.token, logit + shift / row.memory.scale);
}

void take(RowWork &row, uint64_t bits, Proposal &proposal, bool best) noexcept {
  Workspace::Memory &memory = row.memory;
  if (row.parameters.temperature == 0) {
    proposal.token = memory.most_probable();
    proposal.probability = 1;
    return;
  }
  memory.sum();
  proposal.token = best ? memory.most_probable() : memory.draw(bits);
  proposal.probability = memory.weight(proposal.token) / static_cast<double>(memory.total);
}

double probability_of(RowWork &row, int32_t token) noexcept {
  Workspace::Memory &memory = row.memory;
  if (is_masked(row.head, token)) return 0;
  if (row.parameters.temperature == 0) return token == memory.most_probable() ? 1 : 0;
  memory.sum();
  return memory.weight(token) / static_cast<double>(memory.total);
}

OwnAndRest take_out_own(RowWork &row, double shift) noexcept {
  Workspace::Memory &memory = row.memory;
  const int32_t y = row.at.token;
  const double own_logit = memory.logits[static_cast<size_t>(y)];
  const bool certain = row.parameters.temperature == 0, best_is_own = certain && memory.most_probable() == y;
  memory.change(y, never);
  const bool others = memory.top > never;
  OwnAndRest weights;
  if (certain) {
    weights.own = best_is_own ? 1 : 0;
    weights.rest = 1 - weights.own;
  } else if (!others) {
    weights.own = 1;
  } else {
    memory.sum();
    weights.rest = static_cast<double>(memory.total);
    // Without this token among the logits (filtered out) its exponent is -inf.
    const double exponent = (own_logit - memory.top) * memory.scale + shift;
    weights.own = exponent > -700 ? weight_one * exponential(exponent) : 0;
  }
  return weights;
}

void draw_other(RowWork &row, const OwnAndRest &weights, bool predicted, bool greedy, Proposal &proposal) noexcept {
  Workspace::Memory &memory = row.memory;
  const int32_t y = row.at.token;
  const bool best = greedy || row.parameters.temperature == 0;
  if (predicted) {
    proposal.token = best ? memory.most_probable() : memory.draw(row.draws.bits(DrawTag::token));
  } else {
    const bool leaves_out = is_emittable(row.head, y);
    const uint64_t choices = emittable(row.head) - (leaves_out ? 1 : 0);
    if (choices == 0) return;
    proposal.token = id_of_rank(row.head, row.draws.integer(DrawTag::uniform_token, choices), leaves_out ? y : -1);
  }
  if (row.parameters.temperature == 0) proposal.probability = predicted ? weights.rest : 0;
  else proposal.probability = memory.top > never ? memory.weight(proposal.token) / (weights.own + weights.rest) : 0;
}

void edit_visible(RowWork &row, bool greedy, Proposal &proposal) noexcept {
  const Transition &step = *row.at.transition;
  const double n = row.tokens();
  const OwnAndRest weights = take_out_own(row, shift_to_posterior(row.head, step));
  const double own = weights.own / (weights.own + weights.rest);
  const double omega = 1 - own * (1 - step.rho(n));
  const double w1 = step.kappa_s * (weights.rest / (weights.own + weights.rest));
  const double w2 = step.one_minus_kappa_s * (n - 1) / n * omega;
  proposal.token = row.at.token;
  proposal.probability = own;
  if (!row.draws.bernoulli(DrawTag::edit, step.phi * (w1 + w2))) return;
  const bool predicted = w2 == 0 || (weights.rest > 0 && (greedy || row.draws.bernoulli(DrawTag::prediction_or_uniform,
                                                                                        w1 / (w1 + w2))));
  draw_other(row, weights, predicted, greedy, proposal);
}

int32_t draw_state(RowWork &row, double mask, uint64_t bits) noexcept {
  Workspace::Memory &memory = row.memory;
  double *p = memory.other.data();
  const auto n = static_cast<size_t>(row.head.tokens());
  for (size_t i = 0; i < row.head.forbidden_count; ++i)
    p[static_cast<size_t>(dense_index(row.head, row.head.forbidden[i]))] = 0;
  // Whole numbers add up the same in any order, as in MATH 4.3.
  const double largest_p = std::max(mask, largest(p, n));
  if (!(largest_p > 0)) return SamplerPosition::no_token;
  const auto whole = [&](double value) {
    return value > 0 ? static_cast<uint64_t>(value / largest_p * weight_one + 0.5) : 0;
  };
  const uint64_t mask_weight = whole(mask);
  uint64_t total = mask_weight;
  for (size_t i = 0; i < n; ++i) total += whole(p[i]);
  uint64_t rest = mul_high(bits, total);
  if (rest < mask_weight) return row.head.mask_token;
  rest -= mask_weight;
  size_t i = 0;
  while (rest >= whole(p[i])) rest -= whole(p[i++]);
  return token_of_dense(row.head, static_cast<int32_t>(i));
}

void rank_row(RowWork &row, Proposal &proposal) noexcept {
  Workspace::Memory &memory = row.memory;
  switch (static_cast<int>(row.parameters.order)) {
    case 0: proposal.confidence = row.believed(proposal.token); break;
    case 1:
      memory.sum();
      proposal.confidence = memory.weight(proposal.token) / static_cast<double>(memory.total);
      break;
    case 2: proposal.confidence = memory.margin(); break;
    case 3: proposal.confidence = -memory.entropy(); break;
    case 5: proposal.confidence = -static_cast<double>(row.at.position); break;
    default: proposal.confidence = row.draws.uniform(DrawTag::confidence); break;
  }
}

}  // namespace temper
