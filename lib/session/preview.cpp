// SPDX-License-Identifier: Apache-2.0
// Guidance by value, by posterior means (SVDD-PM): for every candidate the call that would come next is made, and
// its window filled with the most probable clean tokens. Candidates use the slots of the row's own window one
// after the other; the next step computes these anew in any case. What the next step would find frozen is.
#include "session/session.h"

#include <algorithm>

namespace temper {

const ActivePosition &Session::active_of(const Request &request) const noexcept {
  const Sequence &sequence = sequences_[static_cast<size_t>(request.sequence)];
  const auto at = static_cast<size_t>(request.active);
  return previewed_ < 0 ? sequence.active[at] : sequence.preview.active[at];
}

const SamplerPosition &Session::position_of(const Request &request) const noexcept {
  const Sequence &sequence = sequences_[static_cast<size_t>(request.sequence)];
  const auto at = static_cast<size_t>(request.active);
  return previewed_ < 0 ? sequence.positions[at] : sequence.preview.positions[at];
}

int32_t Session::runs() const noexcept {
  // The difference of an approximate cache is measured in the step's own call alone.
  return options_.guided || (plan_.paired && previewed_ < 0) ? 2 : 1;
}

void Preview::reserve(size_t positions_, size_t window, int32_t rows) {
  tokens.reserve(2 * window);
  active.reserve(window);
  transitions.reserve(window);
  contexts.reserve(window);
  positions.reserve(window);
  history.reserve(positions_);
  plan.reserve(rows);
}

// The row as the next step would find it, and the rows of that step's call.
Status Session::preview_rows(size_t index, int32_t candidate) {
  Sequence &sequence = sequences_[index];
  Preview &preview = sequence.preview;
  const SamplerWindow window = window_of(sequence, candidate);
  const Verdict verdict = sequence.verdicts[static_cast<size_t>(candidate)];
  const Progress next = progress(sequence, verdict);
  const int64_t steps = sequence.levels.steps(), call = next_drop(sequence, next.call);
  preview.tokens.clear();
  // All of it is settled then: it is its own prediction.
  if (next.last || (steps >= 0 && call >= steps)) return Status();

  const int64_t stop = window_stop(sequence, call);
  preview.window_end = std::max(sequence.materialized, stop);
  for (int64_t p = sequence.settled; p < preview.window_end; ++p) preview.tokens.push_back(sequence.token(p));
  for (size_t a = 0; a < sequence.active.size(); ++a)
    sequence.token(sequence.active[a].position) = window.proposals[a].token;
  fill_window(sequence, sequence.materialized, stop, call + sequence.held + (verdict == Verdict::hold ? 1 : 0));
  collect_history(sequence, next.settled, preview.window_end, preview.history);
  list_window(sequence, call, stop, false, preview.active, preview.contexts, preview.history);

  const size_t n = preview.active.size();
  preview.transitions.clear();
  preview.positions.clear();
  for (size_t a = 0; a < n; ++a) {
    ActivePosition &active = preview.active[a];
    const Transition &transition = preview.transitions.emplace_back(
        parts_.noise.transition(active.level, 0, parts_.schedule.levels()));
    SamplerPosition &position = preview.positions.emplace_back();
    position.position = static_cast<uint32_t>(active.position);
    position.token = active.token;
    position.fixed = sequence.levels.fixed(active.position - sequence.prompt);
    position.transition = &transition;
    position.shaping = &preview.contexts[a];
    active.wants_logits = !Sampler::is_certain(head_, position) && active.position < sequence.materialized;
  }

  preview.frontier = {frozen_next(sequence, next.settled), next.settled, sequence.slot_base};
  preview.plan.build(plan_.rules, preview.frontier, sequence.tokens, sequence.first_token, preview.active);
  preview.first_row = forward_->count();
  TEMPER_TRY(add_rows(preview.active, preview.plan.rows(), index));
  Companion &companion = preview.companion;
  if (options_.guided) {
    const Companion &of = sequence.companion;
    companion.frozen = frozen_after(plan_.rules, of.frontier, of.plan.last_settled_sees_window(),
                                    next.settled + of.offset);
    plan_companion(sequence, companion, next.settled, preview.active);
    companion.first_row = forward_->count();
    TEMPER_TRY(add_rows(preview.active, companion.plan.rows(), index + sequences_.size()));
  }
  for (size_t a = 0; a < n; ++a) {
    if (preview.plan.logit_row()[a] < 0) continue;
    const auto at = static_cast<int32_t>(a), of = static_cast<int32_t>(index);
    if (options_.guided) requests_.push_back({companion.first_row + companion.plan.logit_row()[a], of, at});
    requests_.push_back({preview.first_row + preview.plan.logit_row()[a], of, at});
  }
  return Status();
}

Status Session::preview(StepReport &report) {
  Status status;
  for (int32_t candidate = 0; candidate < options_.candidates && status.ok(); ++candidate) {
    previewed_ = candidate;
    forward_->clear();
    requests_.clear();
    for (size_t i = 0; i < sequences_.size(); ++i) {
      sequences_[i].preview.tokens.clear();
      if (sequences_[i].finished == TEMPER_ROW_RUNNING && status.ok()) status = preview_rows(i, candidate);
    }
    if (status.ok() && !requests_.empty()) status = run_requests(report);
    for (Sequence &sequence : sequences_) {
      const std::vector<int32_t> &tokens = sequence.preview.tokens;
      for (size_t i = 0; i < tokens.size(); ++i)
        sequence.token(sequence.settled + static_cast<int64_t>(i)) = tokens[i];
    }
  }
  previewed_ = -1;
  return status;
}

}  // namespace temper
