// SPDX-License-Identifier: Apache-2.0
#include "sampler/kinds/ordered.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace temper {

void ordered::decide(const SamplerParameters &, const HeadDescription &head, const SamplerWindow &window) noexcept {
  decide_each(head, window, [&](const SamplerPosition &at, const Draws &) {
    return !rests(at) && is_masked(head, at) ? Move::rank : Move::keep;
  });
}

void ordered::propose(RowWork &row, Proposal &proposal) noexcept {
  // Margin and entropy are the row's, whatever is drawn; their pass over it serves the draw, too.
  const bool of_row = row.parameters.order == 2 || row.parameters.order == 3;
  if (of_row) rank_row(row, proposal);
  take(row, row.draws.bits(DrawTag::token), proposal);
  if (!of_row) rank_row(row, proposal);
  // As a draw without replacement with weights exp(confidence / a) (Gumbel-top-k).
  if (row.parameters.order_temperature > 0)
    proposal.confidence = proposal.confidence / row.parameters.order_temperature -
                          std::log(-std::log(row.draws.uniform(DrawTag::confidence, 1)));
  const std::span<const int32_t> ends =
      row.at.shaping != nullptr ? row.at.shaping->end_tokens : std::span<const int32_t>();
  // As low as a number that is still above "not at all".
  if (row.parameters.end_rule == 2 && std::binary_search(ends.begin(), ends.end(), proposal.token))
    proposal.confidence = std::numeric_limits<double>::lowest();
}

Proposal *ordered::best_left(const SamplerWindow &window) noexcept {
  Proposal *best = nullptr;
  for (Proposal &proposal : window.proposals)
    if (proposal.move == Move::rank && (best == nullptr || proposal.confidence > best->confidence)) best = &proposal;
  return best;
}

double ordered::keep_final(const SamplerWindow &window) noexcept {
  double kept = 0;
  for (size_t i = 0; i < window.positions.size(); ++i)
    if (window.proposals[i].move == Move::rank && window.positions[i].transition->final) {
      window.proposals[i].move = Move::draw;
      ++kept;
    }
  return kept;
}

void ordered::keep_confident(const SamplerParameters &p, const SamplerWindow &window) noexcept {
  double kept = 0;
  while (Proposal *best = best_left(window)) {
    const double n = kept + 1;
    // Fast-dLLM's factor: the n-th is kept while (n + 1)(1 - its confidence) stays below it.
    const bool sure = p.factor > 0 ? (n + 1) * (1 - best->confidence) < p.factor : best->confidence >= p.threshold;
    if (kept > 0 && !sure) break;
    best->move = Move::draw;
    ++kept;
  }
  keep_final(window);
}

Verdict ordered::close(const HeadDescription &head, const SamplerWindow &window) noexcept {
  bool masked = false;
  for (size_t i = 0; i < window.positions.size(); ++i) {
    Proposal &proposal = window.proposals[i];
    if (proposal.move == Move::rank) {
      proposal.token = window.positions[i].token;
      proposal.changed = false;
    }
    masked = masked || is_masked(head, proposal.token);
  }
  return masked ? Verdict::advance : Verdict::settle;
}

}  // namespace temper
