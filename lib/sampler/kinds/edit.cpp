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

void ask(const Place &place, temper_question &question) noexcept {
  if (place.move == Move::rank) ordered::ask(place, question);
  else question.asked |= TEMPER_ASK_BEST | TEMPER_ASK_BELIEF;
}

void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  if (place.move == Move::rank) return ordered::choose(place, answer, proposal);
  // The best other token, and how probable the model finds it.
  proposal.best = answer.best;
  proposal.probability = answer.best_belief;
  const bool better = proposal.best != place.at.token && proposal.probability >= place.parameters.edit_threshold;
  proposal.token = better ? proposal.best : place.at.token;
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
    {.parameter = SamplerParameter::order, .name = "order", .bounds = ordered::order_bounds},
    {.parameter = SamplerParameter::threshold, .name = "threshold", .bounds = {0, 1, 0.9, false}},
    {.parameter = SamplerParameter::factor, .name = "factor", .bounds = {0, 1000, 0, false}},
    {.parameter = SamplerParameter::edit_threshold, .name = "edit threshold", .bounds = {0, 1, 0.9, false}},
    {.parameter = SamplerParameter::extra_steps, .name = "extra steps", .bounds = {0, 1 << 20, 16, true}},
    {.parameter = SamplerParameter::end_rule, .name = "end rule", .bounds = ordered::end_bounds}};

}  // namespace

const Kind kinds::edit = {.name = "edit",
                          .own = own_parameters,
                          .check = check,
                          .decide = decide,
                          .ask = ask,
                          .choose = choose,
                          .finish = finish};

}  // namespace temper
