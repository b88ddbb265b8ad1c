// SPDX-License-Identifier: Apache-2.0
// Guidance by value, by posterior means (SVDD-PM): for every candidate the call that would come next is made, and
// its window filled with the most probable clean tokens. Candidates use the slots of the sequence's own window one
// after the other; the next step computes these anew in any case. What the next step would find frozen is.
#include "session/settle.h"
#include "session/step.h"
#include "session/window.h"

#include <algorithm>

namespace temper {
namespace {

// From a position's level to the clean token, of those that aren't certain yet.
void list_estimates(const Frame &frame, const Sequence &sequence, CallWindow &window) {
  window.transitions.clear();
  window.positions.clear();
  for (size_t a = 0; a < window.active.size(); ++a) {
    ActivePosition &active = window.active[a];
    const Transition &transition = window.transitions.emplace_back(
        frame.parts.noise.transition(active.level, 0, frame.parts.schedule.levels()));
    const SamplerPosition &position =
        window.positions.emplace_back(SamplerPosition{.position = static_cast<uint32_t>(active.position),
                                                      .token = active.token,
                                                      .fixed = sequence.levels.fixed(active.position - sequence.prompt),
                                                      .transition = &transition,
                                                      .shaping = &window.contexts[a]});
    active.wants_logits = !Sampler::is_certain(frame.head, position) && active.position < sequence.materialized;
  }
}

}  // namespace

// The sequence as the next step would find it, and the rows of that step's call.
Status Step::add_preview(size_t index, int32_t candidate, Call &call) {
  Sequence &sequence = sequences_[index];
  Preview &preview = sequence.preview;
  CallWindow &window = preview.window;
  const SamplerWindow drawn = sampler_window(frame_, sequence, candidate);
  const Verdict verdict = sequence.candidates.verdicts[static_cast<size_t>(candidate)];
  const Progress next = progress(sequence, verdict);
  const int64_t steps = sequence.levels.steps(), at = next_drop(sequence.levels, next.call);
  // All of it is settled then: it is its own prediction.
  if (next.last || (steps >= 0 && at >= steps)) return Status();

  const int64_t stop = window_stop(frame_, sequence, at);
  window.end = std::max(sequence.materialized, stop);
  for (int64_t p = sequence.settled; p < window.end; ++p) preview.tokens.push_back(sequence.token(p));
  for (size_t a = 0; a < sequence.window.active.size(); ++a)
    sequence.token(sequence.window.active[a].position) = drawn.proposals[a].token;
  fill_window(frame_, sequence, sequence.materialized, stop, at + sequence.held + (verdict == Verdict::hold ? 1 : 0));
  collect_history(frame_, sequence, next.settled, window.end, window.history);
  list_window(frame_, sequence, at, stop, false, window);
  list_estimates(frame_, sequence, window);

  window.frontier = {frozen_next(frame_, sequence, next.settled), next.settled, sequence.slot_base};
  window.plan.build(frame_.plan.rules, window.frontier, sequence.tokens, sequence.first_token, window.active);
  TEMPER_ASSIGN(window.first_row, add_rows(call, lanes_.of(*frame_.spec, index), window.plan.rows(), window.active));
  Companion *companion = frame_.options.guided ? &preview.companion : nullptr;
  if (companion != nullptr) {
    companion->frozen = companion_frozen(frame_, sequence.companion, next.settled);
    plan_companion(frame_, sequence, next.settled, window.active, *companion);
    TEMPER_ASSIGN(companion->first_row, add_rows(call, lanes_.of(*frame_.spec, index + sequences_.size()),
                                                 companion->plan.rows(), window.active));
  }
  return add_requests(index, window.plan, window.first_row, companion, call);
}

// What stood in the windows before candidates were looked at.
void Step::put_back() noexcept {
  for (Sequence &sequence : sequences_) {
    std::vector<int32_t> &tokens = sequence.preview.tokens;
    std::copy(tokens.begin(), tokens.end(), sequence.tokens.begin() + (sequence.settled - sequence.first_token));
    tokens.clear();
  }
}

}  // namespace temper
