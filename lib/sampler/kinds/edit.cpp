// SPDX-License-Identifier: Apache-2.0
// The threshold with a second one for visible tokens, which sure better ones replace (LLaDA2.1, arXiv 2602.08676).
#include "sampler/kinds/ordered.h"

namespace temper {
namespace {

Status check(const SamplerParameters &, const HeadDescription &head, const Noise &noise) {
  TEMPER_TRY(needs_mask(head, noise, "edit"));
  return needs_opinion(head, "edit");
}

void decide(const SamplerParameters &, const HeadDescription &head, const SamplerWindow &window) noexcept {
  decide_each(head, window, [&](const SamplerPosition &at, const Draws &) {
    return rests(at) ? Move::keep : is_masked(head, at) ? Move::rank : Move::edit;
  });
}

void propose(RowWork &row, Proposal &proposal) noexcept {
  if (proposal.move == Move::rank) return ordered::propose(row, proposal);
  // The best other token, and how probable the model finds it.
  proposal.best = row.memory.most_probable();
  proposal.probability = row.believed(proposal.best);
  const bool better = proposal.best != row.at.token && proposal.probability >= row.parameters.edit_threshold;
  proposal.token = better ? proposal.best : row.at.token;
}

Verdict finish(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  ordered::keep_confident(p, window);
  const Verdict verdict = ordered::close(head, window);
  if (verdict != Verdict::settle) return verdict;
  bool edited = false;
  for (size_t i = 0; i < window.positions.size(); ++i)
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

constexpr KindParameter own_parameters[] = {
    {SamplerParameter::order, ordered::order_bounds},         {SamplerParameter::threshold, {0, 1, 0.9, false}},
    {SamplerParameter::factor, {0, 1000, 0, false}},     {SamplerParameter::edit_threshold, {0, 1, 0.9, false}},
    {SamplerParameter::extra_steps, {0, 1 << 20, 16, true}}, {SamplerParameter::end_rule, ordered::end_bounds}};

}  // namespace

const Kind kinds::edit = {true, own_parameters, check, decide, propose, finish, nullptr};

}  // namespace temper
