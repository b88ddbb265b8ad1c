// SPDX-License-Identifier: Apache-2.0
#include "session/policy/candidates.h"

#include "session/frame.h"
#include "session/window.h"

#include <algorithm>
#include <cmath>

namespace temper {

void Candidates::reserve(size_t candidates, size_t window) {
  memories.reserve(candidates * window);
  windows.reserve(candidates);
  verdicts.resize(candidates);
  shown.reserve(candidates * window);
  values.resize(candidates);
}

void finish_candidates(const Frame &frame, Sequence &sequence) {
  const auto width = static_cast<size_t>(sequence.materialized - sequence.settled);
  const auto candidates = static_cast<size_t>(frame.options.candidates);
  sequence.candidates.shown.resize(candidates * width);
  for (size_t m = 0; m < candidates; ++m) {
    const SamplerWindow window = sampler_window(frame, sequence, static_cast<int32_t>(m));
    sequence.candidates.verdicts[m] = frame.parts.sampler.finish(frame.head, window);
    int32_t *out = sequence.candidates.shown.data() + m * width;
    for (size_t i = 0; i < width; ++i) out[i] = sequence.token(sequence.settled + static_cast<int64_t>(i));
    for (size_t a = 0; a < sequence.window.active.size(); ++a)
      out[sequence.window.active[a].position - sequence.settled] = window.proposals[a].token;
  }
}

Status choose_candidate(const Frame &frame, Sequence &sequence, int32_t row) {
  Candidates &all = sequence.candidates;
  all.chosen = 0;
  const int32_t candidates = frame.options.candidates;
  if (candidates == 1) return Status();
  temper_candidates shown{};
  shown.struct_size = sizeof shown;
  shown.row = row;
  shown.call = sequence.calls_done;
  shown.settled = sequence.tokens.data();
  shown.first = sequence.first_token;
  shown.settled_count = sequence.settled - sequence.first_token;
  shown.tokens = all.shown.data();
  shown.count = candidates;
  shown.width = sequence.materialized - sequence.settled;
  std::fill(all.values.begin(), all.values.end(), 0.0);
  const ValueHook &hook = frame.hooks.value;
  if (hook.function(hook.user, &shown, all.values.data()) != 0)
    return Status(TEMPER_E_CANCELLED, "stopped by the caller's value function");

  const auto best = std::max_element(all.values.begin(), all.values.end());
  const double highest = *best;
  for (const double value : all.values)
    if (std::isnan(value) || value == HUGE_VAL || highest == -HUGE_VAL)
      return Status(TEMPER_E_ARGUMENT, "a candidate's value isn't a finite number");
  if (hook.alpha == 0) {
    all.chosen = static_cast<int32_t>(best - all.values.begin());
    return Status();
  }
  double sum = 0;
  for (double &value : all.values) sum += value = std::exp((value - highest) / hook.alpha);
  double rest = frame.draws(sequence, sequence_draw).uniform(DrawTag::call_choice) * sum;
  while (all.chosen + 1 < candidates && rest >= all.values[static_cast<size_t>(all.chosen)])
    rest -= all.values[static_cast<size_t>(all.chosen++)];
  return Status();
}

}  // namespace temper
