// SPDX-License-Identifier: Apache-2.0
#include "session/settle.h"

#include "session/window.h"

#include <algorithm>

namespace temper {
namespace {

// Where a sequence can end before its window is settled: behind an end token with nothing undecided before it, when
// visible tokens stay what they are. Its end, or -1.
int64_t early_end(const Frame &frame, const Sequence &sequence) noexcept {
  if (frame.options.ignore_end || frame.options.end_tokens.empty()) return -1;
  if (!frame.parts.sampler.keeps_visible(frame.head)) return -1;
  for (int64_t p = sequence.settled; p < sequence.materialized; ++p) {
    const int32_t token = sequence.token(p);
    if (frame.is_masked(token)) return -1;
    if (frame.ends(token)) return p + 1;
  }
  return -1;
}

// What the chosen candidate remembers.
Verdict take_candidate(const Frame &frame, Sequence &sequence, const SamplerWindow &window) {
  if (frame.options.candidates == 1) return frame.parts.sampler.finish(frame.head, window);
  const auto chosen = static_cast<size_t>(sequence.candidates.chosen);
  sequence.window_memory = sequence.candidates.windows[chosen];
  for (size_t i = 0; i < sequence.window.active.size(); ++i)
    sequence.memory(sequence.window.active[i].position) = *window.positions[i].memory;
  return sequence.candidates.verdicts[chosen];
}

// New tokens, and how they came about.
void take_tokens(Sequence &sequence, std::span<const Proposal> proposals) {
  sequence.changed = 0;
  for (size_t i = 0; i < sequence.window.active.size(); ++i) {
    const ActivePosition &active = sequence.window.active[i];
    const Proposal &proposal = proposals[i];
    if (proposal.token == active.token) continue;
    sequence.token(active.position) = proposal.token;
    TokenRecord &record = sequence.record(active.position);
    record.set = static_cast<int32_t>(sequence.calls_done);
    record.probability = static_cast<float>(proposal.probability);
    ++record.changes;
    ++sequence.changed;
  }
}

// Calls that are held count on in the draws.
void count_held(Sequence &sequence, Verdict verdict) {
  if (verdict == Verdict::hold) {
    ++sequence.held;
    ++sequence.window_memory.held;
  } else {
    sequence.window_memory.held = 0;
  }
}

void freeze(const Frame &frame, Sequence &sequence, int64_t settled_next) {
  sequence.frozen = frozen_next(frame, sequence, settled_next);
  if (frame.options.approximates()) count_staleness(sequence);
  if (frame.options.guided) sequence.companion.frozen = companion_frozen(frame, sequence.companion, settled_next);
}

void end_at(Sequence &sequence, int64_t end) {
  sequence.settled = sequence.window_end = end;
  sequence.finished = TEMPER_ROW_END_TOKEN;
}

// An end token among what has just settled, the end of the hyperschedule, an end token in a window that can't change.
void look_for_end(const Frame &frame, Sequence &sequence, bool last, StepReport &report) {
  for (int64_t p = sequence.settled_before; p < sequence.settled; ++p)
    if (frame.ends(sequence.token(p))) return end_at(sequence, p + 1);
  if (last) {
    sequence.finished = frame.plan.model_limit ? TEMPER_ROW_MODEL_LIMIT : TEMPER_ROW_LENGTH;
    report.length_limit = report.length_limit || frame.plan.model_limit;
    return;
  }
  if (const int64_t end = early_end(frame, sequence); end >= 0) end_at(sequence, end);
}

}  // namespace

Progress progress(const Sequence &sequence, Verdict verdict) noexcept {
  if (verdict == Verdict::hold) return {sequence.call, sequence.settled, false};
  const RowLevels &levels = sequence.levels;
  const int64_t steps = levels.steps();
  const int64_t call = verdict == Verdict::settle ? levels.next_arrival(sequence.call) : sequence.call + 1;
  const bool last = steps >= 0 && call >= steps;
  return {call, sequence.prompt + (last ? sequence.length : levels.settled_end(call)), last};
}

int64_t frozen_next(const Frame &frame, const Sequence &sequence, int64_t settled_next) noexcept {
  if (frame.options.approximates()) return approximately_frozen(frame, sequence);
  const CallWindow &window = sequence.window;
  return frozen_after(frame.plan.rules, window.frontier, window.plan.last_settled_sees_window(), settled_next);
}

void settle(const Frame &frame, Sequence &sequence, bool idle, StepReport &report) {
  const SamplerWindow window = sampler_window(frame, sequence, sequence.candidates.chosen);
  const Verdict verdict = take_candidate(frame, sequence, window);
  take_tokens(sequence, window.proposals);
  const auto [call, settled, last] = progress(sequence, verdict);
  count_held(sequence, verdict);
  // A call that was left out makes an approximate cache older all the same.
  if (!idle || frame.options.approximates()) freeze(frame, sequence, settled);

  const auto now = static_cast<int32_t>(sequence.calls_done++);
  sequence.call = call;
  sequence.settled_before = sequence.settled;
  sequence.settled = settled;
  sequence.window_end = std::max(settled, sequence.materialized);
  look_for_end(frame, sequence, last, report);
  // What the caller gave was final from the start.
  for (int64_t p = sequence.settled_before; p < sequence.settled; ++p)
    if (!sequence.levels.fixed(p - sequence.prompt)) sequence.record(p).settled = now;
  report.settled += sequence.settled - sequence.settled_before;
  report.changed += sequence.changed;
}

}  // namespace temper
