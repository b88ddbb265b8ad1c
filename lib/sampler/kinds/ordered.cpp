// SPDX-License-Identifier: Apache-2.0
// Samplers that draw a token for every masked position and keep the ones they trust most: as many as the levels
// say (LLaDA, arXiv 2502.09992; Dream, arXiv 2508.15487), all above a threshold (Fast-dLLM, arXiv 2505.22618), as
// many as an entropy bound lets pass (EB, arXiv 2505.24857). Edit (LLaDA2.1, arXiv 2602.08676) is the threshold
// with a second one for visible tokens. What isn't kept stays masked; positions that reach level 0 always are.
#include "sampler/kind.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace temper {
namespace {

constexpr double kEven = 0;  // the other rule rounds down

template <const char *const &name>
Status check(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  return needs_mask(head, noise, name);
}

void decide(const SamplerParameters &, const HeadDescription &head, const SamplerWindow &window) noexcept {
  for (std::size_t i = 0; i < window.positions.size(); ++i) {
    const SamplerPosition &at = window.positions[i];
    propose_move(head, at, !rests(at) && is_masked(head, at) ? kRank : kKeep, window.draws.at(at.position),
                 window.proposals[i]);
  }
}

void propose(RowWork &row, Proposal &proposal) noexcept {
  // Margin and entropy are the row's, whatever is drawn; their pass over it serves the draw, too.
  const bool of_row = row.parameters.order == 2 || row.parameters.order == 3;
  if (of_row) rank_row(row, proposal);
  take(row, row.draws.bits(DrawTag::token), proposal);
  if (!of_row) rank_row(row, proposal);
  // As a draw without replacement with weights exp(confidence / a) (Gumbel-top-k).
  if (row.parameters.order_temperature > 0)
    proposal.confidence = proposal.confidence / row.parameters.order_temperature -
                          std::log(-std::log(row.draws.uniform(DrawTag::confidence, 1)));
  const std::span<const std::int32_t> ends =
      row.at.shaping != nullptr ? row.at.shaping->end_tokens : std::span<const std::int32_t>();
  // As low as a number that is still above "not at all".
  if (row.parameters.end_rule == 2 && std::binary_search(ends.begin(), ends.end(), proposal.token))
    proposal.confidence = std::numeric_limits<double>::lowest();
}

// The masked position that is trusted most and wasn't kept yet; the first of equals.
Proposal *best_left(const SamplerWindow &window) noexcept {
  Proposal *best = nullptr;
  for (Proposal &proposal : window.proposals)
    if (proposal.move == kRank && (best == nullptr || proposal.confidence > best->confidence)) best = &proposal;
  return best;
}

// Positions that reach level 0 are kept whatever is thought of them; how many.
double keep_final(const SamplerWindow &window) noexcept {
  double kept = 0;
  for (std::size_t i = 0; i < window.positions.size(); ++i)
    if (window.proposals[i].move == kRank && window.positions[i].transition->final) {
      window.proposals[i].move = kDraw;
      ++kept;
    }
  return kept;
}

// The others take their masks back. Are there any, or is the whole window visible?
Verdict close(const HeadDescription &head, const SamplerWindow &window) noexcept {
  bool masked = false;
  for (std::size_t i = 0; i < window.positions.size(); ++i) {
    Proposal &proposal = window.proposals[i];
    if (proposal.move == kRank) {
      proposal.token = window.positions[i].token;
      proposal.changed = false;
    }
    masked = masked || is_masked(head, proposal.token);
  }
  return masked ? Verdict::advance : Verdict::settle;
}

Verdict finish_confidence(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  // What the levels would reveal on average: LLaDA's even split when rounded up, Dream's number rounded down.
  double expected = 0;
  bool any = false;
  for (std::size_t i = 0; i < window.positions.size(); ++i)
    if (window.proposals[i].move == kRank) {
      any = true;
      expected += window.positions[i].transition->final ? 1 : window.positions[i].transition->reveal;
    }
  double quota = p.rule == kEven ? std::ceil(expected - 1e-9) : std::floor(expected + 1e-9);
  if (any && quota < 1 && p.compat == 0) quota = 1;
  double kept = keep_final(window);
  for (; kept < quota; ++kept) {
    Proposal *best = best_left(window);
    if (best == nullptr) break;
    best->move = kDraw;
  }
  return close(head, window);
}

void keep_confident(const SamplerParameters &p, const SamplerWindow &window) noexcept {
  double kept = 0;
  while (Proposal *best = best_left(window)) {
    const double n = kept + 1;
    // Fast-dLLM's factor: the n-th is kept while (n + 1)(1 - its confidence) stays below it.
    const bool sure = p.factor > 0 ? (n + 1) * (1 - best->confidence) < p.factor : best->confidence >= p.threshold;
    if (kept > 0 && !sure) break;
    best->move = kDraw;
    ++kept;
  }
  keep_final(window);
}

Verdict finish_threshold(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  keep_confident(p, window);
  return close(head, window);
}

Verdict finish_entropy(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  // Confidence is the negative entropy here: the least uncertain first, and the last one is the largest.
  double sum = 0;
  while (Proposal *best = best_left(window)) {
    if (sum > p.entropy_bound) break;
    sum -= best->confidence;
    best->move = kDraw;
  }
  keep_final(window);
  return close(head, window);
}

Status check_edit(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  TEMPER_TRY(needs_mask(head, noise, "edit"));
  return needs_opinion(head, "edit");
}

void decide_edit(const SamplerParameters &, const HeadDescription &head, const SamplerWindow &window) noexcept {
  for (std::size_t i = 0; i < window.positions.size(); ++i) {
    const SamplerPosition &at = window.positions[i];
    const Move move = rests(at) ? kKeep : is_masked(head, at) ? kRank : kEdit;
    propose_move(head, at, move, window.draws.at(at.position), window.proposals[i]);
  }
}

void propose_edit(RowWork &row, Proposal &proposal) noexcept {
  if (proposal.move == kRank) return propose(row, proposal);
  // The best other token, and how probable the model finds it.
  proposal.best = row.memory.most_probable();
  const double p = exponential(row.memory.logits[static_cast<std::size_t>(proposal.best)] - row.confidence_top) *
                   kWeightOne / row.confidence_total;
  const bool better = proposal.best != row.at.token && p >= row.parameters.edit_threshold;
  proposal.token = better ? proposal.best : row.at.token;
  proposal.probability = p;
}

Verdict finish_edit(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  keep_confident(p, window);
  const Verdict verdict = close(head, window);
  if (verdict != Verdict::settle) return verdict;
  bool edited = false;
  for (std::size_t i = 0; i < window.positions.size(); ++i)
    edited = edited || window.proposals[i].token != window.positions[i].token;
  WindowMemory &memory = *window.memory;
  // What was just revealed deserves a look, too.
  if (edited && memory.rounds < p.extra_steps) {
    ++memory.rounds;
    return Verdict::hold;
  }
  memory.rounds = 0;
  return Verdict::settle;
}

constexpr ParameterBounds kOrders = {0, 5, 0, true}, kAnyOrderTemperature = {0, 100, 0, false},
                          kEnds = {0, 2, 0, true};

constexpr KindParameter kConfidenceOwn[] = {
    {SamplerParameter::order, kOrders},          {SamplerParameter::order_temperature, kAnyOrderTemperature},
    {SamplerParameter::rule, {0, 1, 0, true}},   {SamplerParameter::compat, {0, 1, 0, true}},
    {SamplerParameter::end_rule, kEnds}};
constexpr KindParameter kThresholdOwn[] = {
    {SamplerParameter::order, kOrders},           {SamplerParameter::threshold, {0, 1, 0.9, false}},
    {SamplerParameter::factor, {0, 1000, 0, false}}, {SamplerParameter::compat, {0, 1, 0, true}},
    {SamplerParameter::end_rule, kEnds}};
constexpr KindParameter kEntropyOwn[] = {{SamplerParameter::entropy_bound, {0, 1000, 0.1, false}},
                                         {SamplerParameter::order, {3, 3, 3, true}},
                                         {SamplerParameter::end_rule, kEnds}};
constexpr KindParameter kEditOwn[] = {
    {SamplerParameter::order, kOrders},          {SamplerParameter::threshold, {0, 1, 0.9, false}},
    {SamplerParameter::factor, {0, 1000, 0, false}}, {SamplerParameter::edit_threshold, {0, 1, 0.9, false}},
    {SamplerParameter::extra_steps, {0, 1 << 20, 16, true}}, {SamplerParameter::end_rule, kEnds}};

constexpr const char *kConfidenceName = "confidence", *kThresholdName = "threshold", *kEntropyName = "entropy-bound";

}  // namespace

const Kind kinds::confidence = {true, kConfidenceOwn, check<kConfidenceName>, decide, propose, finish_confidence, always};
const Kind kinds::threshold = {true, kThresholdOwn, check<kThresholdName>, decide, propose, finish_threshold, always};
const Kind kinds::entropy_bound = {true, kEntropyOwn, check<kEntropyName>, decide, propose, finish_entropy, always};
const Kind kinds::edit = {true, kEditOwn, check_edit, decide_edit, propose_edit, finish_edit, nullptr};

}  // namespace temper
