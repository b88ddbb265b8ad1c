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

void ordered::ask(const Place &place, temper_question &question) noexcept {
  ask_token(place, DrawTag::token, question);
  switch (place.parameters.order) {
    case TEMPER_ORDER_PROBABILITY: question.asked |= TEMPER_ASK_BELIEF; break;
    case TEMPER_ORDER_FILTERED: question.asked |= TEMPER_ASK_TOTAL; break;
    case TEMPER_ORDER_MARGIN: question.asked |= TEMPER_ASK_MARGIN; break;
    case TEMPER_ORDER_ENTROPY: question.asked |= TEMPER_ASK_ENTROPY; break;
    default: break;
  }
}

namespace {

double confidence_of(const Place &place, const temper_answer &answer) noexcept {
  switch (place.parameters.order) {
    case TEMPER_ORDER_PROBABILITY: return belief_in_taken(place, answer);
    case TEMPER_ORDER_FILTERED: return (place.certain() ? TEMPER_WEIGHT_ONE : answer.weight) / answer.total;
    case TEMPER_ORDER_MARGIN: return answer.margin;
    case TEMPER_ORDER_ENTROPY: return -answer.entropy;
    case TEMPER_ORDER_POSITION: return -static_cast<double>(place.at.position);
    default: return place.draws.uniform(DrawTag::confidence);
  }
}

}  // namespace

void ordered::choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  const SamplerParameters &p = place.parameters;
  take_token(place, answer, proposal);
  proposal.confidence = confidence_of(place, answer);
  // As a draw without replacement with weights exp(confidence / a) (Gumbel-top-k).
  if (p.order_temperature > 0)
    proposal.confidence =
        proposal.confidence / p.order_temperature - std::log(-std::log(place.draws.uniform(DrawTag::confidence, 1)));
  if (p.end_rule != TEMPER_END_LAST || place.at.shaping == nullptr) return;
  const std::span<const int32_t> ends = place.at.shaping->end_tokens;
  // As low as a number that is still above "not at all".
  if (std::binary_search(ends.begin(), ends.end(), proposal.token))
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
    if (proposal.move == Move::rank) proposal.token = window.positions[i].token;
    masked = masked || is_masked(head, proposal.token);
  }
  return masked ? Verdict::advance : Verdict::settle;
}

}  // namespace temper
