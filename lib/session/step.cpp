// SPDX-License-Identifier: Apache-2.0
// One step of a session:
//
//   where does every position stand    levels           -> frontier, window          (window.cpp)
//   which positions need logits        sampler.decide   (draws that don't depend on logits come first)
//   which rows does that take          RowPlan          -> rows of the model         (call.cpp)
//   logits                             forward          -> consume, on the backend's threads
//   the new tokens                     sampler.propose, sampler.finish, the caller's choice (preview.cpp)
//   what settled, what is frozen       settle
#include "session/session.h"

#include <algorithm>
#include <cmath>

namespace temper {

bool Session::ends(int32_t token) const noexcept {
  if (options_.ignore_end) return false;
  return std::binary_search(options_.end_tokens.begin(), options_.end_tokens.end(), token);
}

// Guidance by value: each candidate as the step would leave it.
void Session::finish_candidates(Sequence &sequence) {
  const auto width = static_cast<size_t>(sequence.materialized - sequence.settled);
  const auto candidates = static_cast<size_t>(options_.candidates);
  sequence.shown.resize(candidates * width);
  for (size_t m = 0; m < candidates; ++m) {
    const SamplerWindow window = window_of(sequence, static_cast<int32_t>(m));
    sequence.verdicts[m] = parts_.sampler.finish(head_, window);
    int32_t *out = sequence.shown.data() + m * width;
    for (size_t i = 0; i < width; ++i) out[i] = sequence.token(sequence.settled + static_cast<int64_t>(i));
    for (size_t a = 0; a < sequence.active.size(); ++a)
      out[sequence.active[a].position - sequence.settled] = window.proposals[a].token;
  }
}

// Which of the candidates becomes the window.
Result<int32_t> Session::choose(Sequence &sequence) {
  const int32_t candidates = options_.candidates;
  if (candidates == 1) return 0;
  temper_candidates shown{};
  shown.struct_size = sizeof shown;
  shown.row = static_cast<int32_t>(&sequence - sequences_.data());
  shown.call = sequence.calls_done;
  shown.settled = sequence.tokens.data();
  shown.first = sequence.first_token;
  shown.settled_count = sequence.settled - sequence.first_token;
  shown.tokens = sequence.shown.data();
  shown.count = candidates;
  shown.width = sequence.materialized - sequence.settled;
  std::fill(values_.begin(), values_.end(), 0.0);
  if (value_hook_.function(value_hook_.user, &shown, values_.data()) != 0)
    return Status(TEMPER_E_CANCELLED, "stopped by the caller's value function");

  const double best = *std::max_element(values_.begin(), values_.end());
  for (const double value : values_)
    if (std::isnan(value) || value == HUGE_VAL || best == -HUGE_VAL)
      return Status(TEMPER_E_ARGUMENT, "a candidate's value isn't a finite number");
  if (value_hook_.alpha == 0)
    return static_cast<int32_t>(std::max_element(values_.begin(), values_.end()) - values_.begin());
  double sum = 0;
  for (double &value : values_) sum += value = std::exp((value - best) / value_hook_.alpha);
  double rest = draws(sequence, sequence_draw).uniform(DrawTag::call_choice) * sum;
  int32_t chosen = 0;
  while (chosen + 1 < candidates && rest >= values_[static_cast<size_t>(chosen)])
    rest -= values_[static_cast<size_t>(chosen++)];
  return chosen;
}

// Where a row can end before its window is settled: behind an end token with nothing undecided before it, when
// visible tokens stay what they are. The row's end, or -1.
int64_t Session::early_end(const Sequence &sequence) const noexcept {
  if (options_.ignore_end || options_.end_tokens.empty() || !parts_.sampler.keeps_visible(head_)) return -1;
  for (int64_t p = sequence.settled; p < sequence.materialized; ++p) {
    const int32_t token = sequence.token(p);
    if (token < 0 || token == head_.mask_token) return -1;
    if (ends(token)) return p + 1;
  }
  return -1;
}

Session::Progress Session::progress(const Sequence &sequence, Verdict verdict) const noexcept {
  if (verdict == Verdict::hold) return {sequence.call, sequence.settled, false};
  const RowLevels &levels = sequence.levels;
  const int64_t steps = levels.steps();
  const int64_t call = verdict == Verdict::settle ? levels.next_arrival(sequence.call) : sequence.call + 1;
  const bool last = steps >= 0 && call >= steps;
  return {call, sequence.prompt + (last ? sequence.length : levels.settled_end(call)), last};
}

// Where the next call's rows begin.
int64_t Session::frozen_next(const Sequence &sequence, int64_t settled_next) const noexcept {
  if (options_.approximation == Approximation::none)
    return frozen_after(plan_.rules, sequence.frontier, sequence.plan.last_settled_sees_window(), settled_next);
  const bool refreshed = sequence.refreshed_at < 0 && sequence.frontier.frozen == 0;
  if (!refreshed) return sequence.frozen;
  // The row before the window is asked for its logits.
  return plan_.rules.shifted ? std::max<int64_t>(0, sequence.settled - 1) : sequence.settled;
}

// The step's outcome becomes the sequence's state.
void Session::settle(Sequence &sequence, StepReport &report) {
  const auto chosen = static_cast<size_t>(sequence.chosen);
  const SamplerWindow window = window_of(sequence, sequence.chosen);
  Verdict verdict = Verdict::advance;
  if (options_.candidates == 1) {
    verdict = parts_.sampler.finish(head_, window);
  } else {
    verdict = sequence.verdicts[chosen];
    sequence.window = sequence.windows[chosen];
  }
  const auto now = static_cast<int32_t>(sequence.calls_done);
  sequence.changed = 0;
  for (size_t i = 0; i < sequence.active.size(); ++i) {
    const ActivePosition &active = sequence.active[i];
    if (options_.candidates > 1) sequence.memory(active.position) = *window.positions[i].memory;
    const Proposal &proposal = window.proposals[i];
    if (proposal.token == active.token) continue;
    sequence.token(active.position) = proposal.token;
    TokenRecord &record = sequence.record(active.position);
    record.set = now;
    record.probability = static_cast<float>(proposal.probability);
    ++record.changes;
    ++sequence.changed;
  }

  const auto [call, next, last] = progress(sequence, verdict);
  if (verdict == Verdict::hold) {
    ++sequence.held;
    ++sequence.window.held;
  } else {
    // Draws count on; a jump over calls skips their numbers.
    sequence.window.held = 0;
  }
  if (!report.idle) {
    sequence.frozen = frozen_next(sequence, next);
    if (options_.approximation != Approximation::none) {
      const bool refreshed = sequence.refreshed_at < 0 && sequence.frontier.frozen == 0;
      if (refreshed) sequence.refreshed_at = sequence.settled;
      sequence.stale_calls = refreshed ? 1 : sequence.stale_calls + 1;
    }
    Companion &companion = sequence.companion;
    if (options_.guided)
      companion.frozen = frozen_after(plan_.rules, companion.frontier, companion.plan.last_settled_sees_window(),
                                      next + companion.offset);
  }

  sequence.call = call;
  ++sequence.calls_done;
  sequence.settled_before = sequence.settled;
  sequence.settled = next;
  sequence.window_end = std::max(next, sequence.materialized);
  for (int64_t p = sequence.settled_before; p < next; ++p) {
    if (!ends(sequence.token(p))) continue;
    sequence.settled = sequence.window_end = p + 1;
    sequence.finished = TEMPER_ROW_END_TOKEN;
    break;
  }
  if (sequence.finished == TEMPER_ROW_RUNNING && last) {
    sequence.finished = plan_.model_limit ? TEMPER_ROW_MODEL_LIMIT : TEMPER_ROW_LENGTH;
    report.length_limit = report.length_limit || plan_.model_limit;
  }
  if (const int64_t end = early_end(sequence); sequence.finished == TEMPER_ROW_RUNNING && end >= 0) {
    sequence.settled = sequence.window_end = end;
    sequence.finished = TEMPER_ROW_END_TOKEN;
  }
  for (int64_t p = sequence.settled_before; p < sequence.settled; ++p) sequence.record(p).settled = now;
  report.settled += sequence.settled - sequence.settled_before;
  report.changed += sequence.changed;
}

Status Session::step(StepReport &report) {
  report = StepReport();
  if (!begun_) TEMPER_TRY(begin());
  report.steps_total = steps_total();
  auto running = [&] {
    return static_cast<int32_t>(std::count_if(sequences_.begin(), sequences_.end(), [](const Sequence &sequence) {
      return sequence.finished == TEMPER_ROW_RUNNING;
    }));
  };
  if (running() == 0) {
    report.done = true;
    return Status();
  }
  if (cancel_.exchange(false, std::memory_order_relaxed)) return Status(TEMPER_E_CANCELLED, "cancelled");

  for (Sequence &sequence : sequences_) {
    if (sequence.finished != TEMPER_ROW_RUNNING) continue;
    TEMPER_TRY(forget(sequence));
    prepare(sequence);
  }
  Status called = call_model(report);
  if (called.ok() && options_.candidates > 1) {
    for (Sequence &sequence : sequences_)
      if (sequence.finished == TEMPER_ROW_RUNNING) finish_candidates(sequence);
    if (previews()) called = preview(report);
  }
  if (!called.ok()) {
    if (called.code() == TEMPER_E_CANCELLED) cancel_.store(false, std::memory_order_relaxed);
    return called;
  }
  for (Sequence &sequence : sequences_) {
    if (sequence.finished != TEMPER_ROW_RUNNING) continue;
    TEMPER_ASSIGN(sequence.chosen, choose(sequence));
  }
  for (Sequence &sequence : sequences_)
    if (sequence.finished == TEMPER_ROW_RUNNING) settle(sequence, report);
  report.rows_running = running();
  ++steps_done_;
  rows_computed_ += report.rows_computed;
  calls_made_ += report.model_calls;
  return Status();
}

}  // namespace temper
