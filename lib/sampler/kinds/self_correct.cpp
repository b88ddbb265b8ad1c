// SPDX-License-Identifier: Apache-2.0
// Self-correction (GIDD, arXiv 2503.04482): the exact chain up to the last call of a window, which is then held:
// in every round a token is drawn for each position, and those that differ and that the model believes most
// replace what stood there, until nothing differs or the text agrees no better with the model for a while.
#include "sampler/kind.h"

#include <algorithm>

namespace temper {
namespace {

Status check(const SamplerParameters &, const HeadDescription &head, const Noise &) {
  return needs_opinion(head, "self-correcting");
}

// The call that would settle everything in the window.
bool is_last(const SamplerWindow &window) noexcept {
  bool any = false;
  for (const SamplerPosition &at : window.positions) {
    if (rests(at)) continue;
    if (!at.transition->final) return false;
    any = true;
  }
  return any;
}

bool in_rounds(const SamplerWindow &window) noexcept { return window.memory->rounds > 0; }

void decide(const SamplerParameters &p, const HeadDescription &head, const SamplerWindow &window) noexcept {
  if (!in_rounds(window)) return kinds::ancestral.decide(p, head, window);
  decide_each(head, window,
              [](const SamplerPosition &at, const Draws &) { return rests(at) ? Move::keep : Move::rank; });
}

void ask(const Place &place, temper_question &question) noexcept {
  if (place.move == Move::rank) {
    // The model's own belief is at another temperature than the draw; only the draw has to be exact.
    question.asked |= TEMPER_ASK_FAVOURITE | TEMPER_ASK_BELIEF;
    if (place.parameters.temperature != 1) question.asked |= TEMPER_ASK_ROUGH;
    return ask_token(place, DrawTag::corrected_token, question);
  }
  // The temperature is that of the rounds; the chain itself is exact.
  question.scale = 1;
  if (place.move == Move::edit) return ask_edit(place, question);
  question.asked |= TEMPER_ASK_DRAW;
  question.bits = place.draws.bits(DrawTag::token);
}

void choose(const Place &place, const temper_answer &answer, Proposal &proposal) noexcept {
  if (place.move == Move::edit) return take_edit(place, answer, proposal);
  if (place.move != Move::rank) {
    proposal.token = answer.token;
    proposal.probability = answer.weight / answer.total;
    return;
  }
  take_token(place, answer, proposal);
  proposal.best = answer.favourite;
  // Under the model itself.
  proposal.probability = belief_in_taken(place, answer);
  proposal.confidence = proposal.token != place.at.token ? proposal.probability : 0;
}

Verdict finish(const SamplerParameters &p, const HeadDescription &, const SamplerWindow &window) noexcept {
  WindowMemory &memory = *window.memory;
  if (!in_rounds(window)) {
    if (!is_last(window) || p.extra_steps == 0) return Verdict::advance;
    memory.rounds = 1;
    memory.waiting = 0;
    memory.best_score = -1;
    return Verdict::hold;
  }
  double agreement = 0;
  for (size_t i = 0; i < window.positions.size(); ++i)
    if (window.proposals[i].move == Move::rank && window.proposals[i].best == window.positions[i].token) ++agreement;
  memory.waiting = agreement > memory.best_score ? 0 : memory.waiting + 1;
  memory.best_score = std::max(memory.best_score, agreement);

  const bool tired = memory.waiting >= p.patience || memory.rounds >= p.extra_steps;
  int32_t replaced = 0;
  // The highest gains, the rest takes back what it had.
  for (; !tired && replaced < p.corrector_positions; ++replaced) {
    Proposal *best = nullptr;
    for (Proposal &proposal : window.proposals)
      if (proposal.move == Move::rank && proposal.confidence > 0 &&
          (best == nullptr || proposal.confidence > best->confidence))
        best = &proposal;
    if (best == nullptr) break;
    best->move = Move::draw;
  }
  for (size_t i = 0; i < window.positions.size(); ++i)
    if (window.proposals[i].move == Move::rank) window.proposals[i].token = window.positions[i].token;
  if (replaced == 0) {
    memory.rounds = 0;
    return Verdict::advance;
  }
  ++memory.rounds;
  return Verdict::hold;
}

constexpr KindParameter own_parameters[] = {
    {.parameter = SamplerParameter::temperature, .name = "temperature", .bounds = {0, 100, 0.1, false}},
    {.parameter = SamplerParameter::corrector_positions, .name = "corrector positions", .bounds = {1, 65536, 1, true}},
    {.parameter = SamplerParameter::patience, .name = "patience", .bounds = {1, 1 << 20, 32, true}},
    {.parameter = SamplerParameter::extra_steps, .name = "extra steps", .bounds = {0, 1 << 20, 256, true}}};

}  // namespace

const Kind kinds::self_correct = {.name = "self-correcting",
                                  .own = own_parameters,
                                  .check = check,
                                  .decide = decide,
                                  .ask = ask,
                                  .choose = choose,
                                  .finish = finish};

}  // namespace temper
