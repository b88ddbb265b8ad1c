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
  decide_each(head, window, [](const SamplerPosition &at, const Draws &) { return rests(at) ? Move::keep : Move::rank; });
}

void propose(RowWork &row, Proposal &proposal) noexcept {
  if (proposal.move != Move::rank) {
    // The temperature is that of the rounds; the chain itself is exact.
    row.memory.scale = 1;
    if (proposal.move == Move::edit) return edit_visible(row, false, proposal);
    row.memory.sum();
    proposal.token = row.memory.draw(row.draws.bits(DrawTag::token));
    proposal.probability = row.memory.weight(proposal.token) / static_cast<double>(row.memory.total);
    return;
  }
  proposal.best = row.memory.most_probable();
  take(row, row.draws.bits(DrawTag::corrected_token), proposal);
  // Under the model itself.
  proposal.probability = row.believed(proposal.token);
  proposal.confidence = proposal.token != row.at.token ? proposal.probability : 0;
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
  double replaced = 0;
  // The highest gains, the rest takes back what it had.
  for (; !tired && replaced < p.corrector_positions; ++replaced) {
    Proposal *best = nullptr;
    for (Proposal &proposal : window.proposals)
      if (proposal.move == Move::rank && proposal.confidence > 0 && (best == nullptr || proposal.confidence > best->confidence))
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

constexpr KindParameter own_parameters[] = {{SamplerParameter::temperature, {0, 100, 0.1, false}},
                                  {SamplerParameter::corrector_positions, {1, 65536, 1, true}},
                                  {SamplerParameter::patience, {1, 1 << 20, 32, true}},
                                  {SamplerParameter::extra_steps, {0, 1 << 20, 256, true}}};

}  // namespace

const Kind kinds::self_correct = {true, own_parameters, check, decide, propose, finish, nullptr};

}  // namespace temper
