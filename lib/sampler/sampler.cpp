// SPDX-License-Identifier: Apache-2.0
// The three phases of the one-step samplers; draw by draw as in MATH 4.4.
#include "sampler/workspace.h"

#include <cmath>
#include <limits>

namespace temper {
namespace {

// What is going to happen to a position, as far as it can be told without logits.
enum class Move { keep, uniform, reveal, edit, correct };

bool is_masked(const HeadDescription &head, std::int32_t token) noexcept {
  return token < 0 || token == head.mask_token;
}

std::uint64_t emittable(const HeadDescription &head) noexcept {
  return static_cast<std::uint64_t>(head.tokens()) - head.forbidden_count;
}

// The id of emittable token number `rank`, leaving out `skip` (-1: none).
std::int32_t id_of_rank(const HeadDescription &head, std::uint64_t rank, std::int32_t skip) noexcept {
  auto id = static_cast<std::int32_t>(rank);
  // Excluded ids in ascending order: each one passed moves the answer up by one.
  std::size_t listed = 0;
  bool mask_left = head.mask_token >= 0 && head.mask_token < head.vocabulary, skip_left = skip >= 0;
  for (;;) {
    std::int32_t next = std::numeric_limits<std::int32_t>::max();
    if (mask_left) next = head.mask_token;
    if (skip_left && skip < next) next = skip;
    if (listed < head.forbidden_count && head.forbidden[listed] < next) next = head.forbidden[listed];
    if (next > id) return id;
    ++id;
    if (mask_left && head.mask_token == next) mask_left = false;
    if (skip_left && skip == next) skip_left = false;
    if (listed < head.forbidden_count && head.forbidden[listed] == next) ++listed;
  }
}

bool is_emittable(const HeadDescription &head, std::int32_t token) noexcept {
  for (std::size_t i = 0; i < head.forbidden_count; ++i)
    if (head.forbidden[i] == token) return false;
  return true;
}

Move classify(SamplerKind kind, const SamplerParameters &parameters, const HeadDescription &head,
              const SamplerPosition &at, const Draws &draws) noexcept {
  const Transition &step = *at.transition;
  if (at.fixed || step.identity) return Move::keep;
  if (is_masked(head, at.token)) {
    // No mask may be left at level 0, whatever the path says.
    if (!step.final && !draws.bernoulli(DrawTag::reveal, step.reveal)) return Move::keep;
    if (kind != SamplerKind::ancestral || step.kappa_s == 1 ||
        draws.bernoulli(DrawTag::prediction_or_uniform, step.kappa_s))
      return Move::reveal;
    return Move::uniform;
  }
  if (head.carry_over) return Move::keep;
  if (kind == SamplerKind::acs) {
    const double chance = step.final ? 0 : parameters.eta * step.stay;
    return draws.bernoulli(DrawTag::correct, chance) ? Move::correct : Move::keep;
  }
  if (step.visible_fixed) return Move::keep;
  // The chance of an edit is largest when the model gives the token no probability: mostly that is enough
  // to know that it stays.
  const auto n = static_cast<double>(head.tokens());
  const double most = step.phi * (step.kappa_s + step.one_minus_kappa_s * (n - 1) / n);
  return draws.uniform(DrawTag::edit) < most * (1 + 1e-12) ? Move::edit : Move::keep;
}

// log of the factor that turns the head's weight of a visible token into that of the full posterior
// (MATH 1.5, (9)).
double visible_shift(SamplerKind kind, const HeadDescription &head, const Transition &step) noexcept {
  const auto n = static_cast<double>(head.tokens());
  switch (head.kind) {
    case HeadForm::posterior: {
      // The correction sampler takes the raw head: its tilt is part of the method.
      if (kind == SamplerKind::acs || std::isnan(head.kappa_eff) || step.visible_fixed) return 0;
      const double rho_eff = (1 - head.kappa_eff) / (1 + (n - 1) * head.kappa_eff);
      return std::log(rho_eff) - std::log(step.rho(n));
    }
    case HeadForm::leave_one_out:
    case HeadForm::score_exact: return step.visible_fixed ? 0 : -std::log(step.rho(n));
    case HeadForm::score_official_gamma: break;
  }
  return 0;
}

bool load_row(const HeadDescription &head, const SamplerPosition &at, std::span<const float> row,
              Workspace::Memory &memory) noexcept {
  const bool masked = is_masked(head, at.token);
  const bool softmax = head.kind == HeadForm::posterior || head.kind == HeadForm::leave_one_out ||
                       (masked && (head.kind == HeadForm::score_official_gamma || at.transition->kappa_t == 1));
  if (softmax) return memory.load(head, row);
  return memory.load_scores(head, row, masked ? -1 : at.token, *at.transition);
}

// A token of the loaded distribution, and its probability.
void take(Workspace::Memory &memory, bool best, double temperature, std::uint64_t bits, Proposal &proposal) noexcept {
  if (temperature == 0) {
    proposal.token = memory.most_probable();
    proposal.probability = 1;
    return;
  }
  memory.sum();
  proposal.token = best ? memory.most_probable() : memory.draw(bits);
  proposal.probability = memory.weight(proposal.token) / static_cast<double>(memory.total);
}

// MATH 4.4, y real. `shift` belongs to the token's own weight.
void edit(const HeadDescription &head, const SamplerPosition &at, const Draws &draws, bool greedy,
          double temperature, double shift, Workspace::Memory &memory, Proposal &proposal) noexcept {
  const Transition &step = *at.transition;
  const auto n = static_cast<double>(head.tokens());
  const std::int32_t y = at.token;
  const double own_logit = memory.logits[static_cast<std::size_t>(y)];
  const bool best_is_own = memory.most_probable() == y;
  memory.change(y, -std::numeric_limits<double>::infinity());
  const bool others = memory.top > -std::numeric_limits<double>::infinity();

  // Weights of y and of all others on one scale.
  double own = 0, rest = 0;
  if (temperature == 0) {
    own = best_is_own ? 1 : 0;
    rest = 1 - own;
  } else if (!others) {
    own = 1;
  } else {
    memory.sum();
    rest = static_cast<double>(memory.total);
    // Without this token among the logits (filtered out) its exponent is -inf.
    const double exponent = (own_logit - memory.top) * memory.scale + shift;
    own = exponent > -700 ? kWeightOne * exponential(exponent) : 0;
  }
  const double sum = own + rest, other_share = rest / sum;
  const double omega = 1 - own / sum * (1 - step.rho(n));
  const double w1 = step.kappa_s * other_share, w2 = step.one_minus_kappa_s * (n - 1) / n * omega;
  proposal.probability = own / sum;
  if (!draws.bernoulli(DrawTag::edit, step.phi * (w1 + w2))) return;
  const bool predicted = w2 == 0 || (rest > 0 && (greedy || draws.bernoulli(DrawTag::prediction_or_uniform, w1 / (w1 + w2))));
  if (predicted) {
    proposal.token = greedy || temperature == 0 ? memory.most_probable() : memory.draw(draws.bits(DrawTag::token));
  } else {
    const std::uint64_t choices = emittable(head) - (is_emittable(head, y) ? 1 : 0);
    if (choices == 0) return;
    proposal.token = id_of_rank(head, draws.integer(DrawTag::uniform_token, choices), is_emittable(head, y) ? y : -1);
  }
  if (temperature == 0) proposal.probability = predicted ? rest : 0;
  else proposal.probability = others ? memory.weight(proposal.token) / sum : 0;
}

}  // namespace

Proposal Sampler::decide(const HeadDescription &head, const SamplerPosition &at, const Draws &draws) const noexcept {
  Proposal proposal;
  proposal.token = at.token;
  switch (classify(kind_, parameters_, head, at, draws)) {
    case Move::keep: break;
    case Move::uniform:
      proposal.token = id_of_rank(head, draws.integer(DrawTag::uniform_token, emittable(head)), -1);
      proposal.changed = true;
      break;
    case Move::reveal:
    case Move::edit:
    case Move::correct: proposal.needs_logits = true; break;
  }
  return proposal;
}

Proposal Sampler::propose(const HeadDescription &head, const SamplerPosition &at, const Draws &draws,
                          std::span<const float> row, Workspace &workspace) const noexcept {
  const Move move = classify(kind_, parameters_, head, at, draws);
  if (move == Move::keep || move == Move::uniform) return decide(head, at, draws);

  Workspace::Memory &memory = workspace.memory();
  Proposal proposal;
  proposal.needs_logits = true;
  if (head.columns > memory.columns || row.size() < static_cast<std::size_t>(head.columns) ||
      !load_row(head, at, row, memory))
    return proposal;
  const double temperature = parameters_.temperature;
  memory.scale = temperature > 0 ? 1 / temperature : 1;
  if (temperature > 0) memory.filter(parameters_);

  const bool greedy = kind_ == SamplerKind::greedy;
  proposal.token = at.token;
  if (move == Move::reveal) {
    take(memory, greedy, temperature, draws.bits(DrawTag::token), proposal);
  } else {
    const double shift = visible_shift(kind_, head, *at.transition);
    if (move == Move::edit) {
      edit(head, at, draws, greedy, temperature, shift, memory, proposal);
    } else {
      if (temperature > 0 && shift != 0)
        memory.change(at.token, memory.logits[static_cast<std::size_t>(at.token)] + shift * temperature);
      take(memory, false, temperature, draws.bits(DrawTag::corrected_token), proposal);
    }
  }
  proposal.changed = proposal.token != at.token;
  return proposal;
}

void Sampler::finish(const HeadDescription &, std::span<const SamplerPosition>, std::span<Proposal>,
                     const Draws &) const noexcept {
  // These kinds decide every position for itself.
}

std::int32_t Sampler::initial_token(const HeadDescription &head, const Noise &noise, const Draws &draws) noexcept {
  if (noise.uses_mask()) return head.mask_token;
  return id_of_rank(head, draws.integer(DrawTag::initial_noise, emittable(head)), -1);
}

}  // namespace temper
