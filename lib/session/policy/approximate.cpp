// SPDX-License-Identifier: Apache-2.0
#include "session/policy/approximate.h"

#include "session/frame.h"

#include <algorithm>

namespace temper {

bool needs_refresh(const SessionOptions &options, const Sequence &sequence) noexcept {
  if (!options.approximates()) return false;
  const Staleness &staleness = sequence.staleness;
  if (staleness.refreshed_at < 0) return true;
  return options.refresh > 0 ? staleness.calls >= options.refresh : sequence.settled != staleness.refreshed_at;
}

void begin_refresh(const SessionOptions &options, Sequence &sequence) noexcept {
  if (!needs_refresh(options, sequence)) return;
  sequence.frozen = 0;
  sequence.staleness.refreshed_at = -1;
}

bool refreshes(const Sequence &sequence) noexcept {
  return sequence.staleness.refreshed_at < 0 && sequence.window.frontier.frozen == 0;
}

int64_t approximately_frozen(const Frame &frame, const Sequence &sequence) noexcept {
  if (!refreshes(sequence)) return sequence.frozen;
  // The row before the window is asked for its logits.
  return frame.plan.rules.shifted ? std::max<int64_t>(0, sequence.settled - 1) : sequence.settled;
}

void count_staleness(Sequence &sequence) noexcept {
  Staleness &staleness = sequence.staleness;
  const bool refreshed = refreshes(sequence);
  if (refreshed) staleness.refreshed_at = sequence.settled;
  staleness.calls = refreshed ? 1 : staleness.calls + 1;
}

void report_stale(const Sequence &sequence, StepReport &report) noexcept {
  const std::vector<ActivePosition> &active = sequence.window.active;
  const auto kept =
      std::count_if(active.begin(), active.end(), [](const ActivePosition &position) { return position.cached; });
  report.stale += sequence.window.frontier.frozen + kept;
  report.rows_cached += kept;
}

}  // namespace temper
