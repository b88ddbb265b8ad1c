// SPDX-License-Identifier: Apache-2.0
#include "session/window.h"

#include "engine/admission.h"
#include "noise/corrupt.h"
#include "session/setup.h"

#include <algorithm>

namespace temper {
namespace {

// A draft starts at its levels (SDEdit's idea with an exact forward process).
void corrupt(const Frame &frame, Sequence &sequence) {
  if (sequence.corrupt_draft == 0) return;
  const int32_t top = frame.parts.schedule.levels();
  const std::vector<int32_t> &starts = sequence.wishes.starts;
  for (size_t i = 0; i < starts.size() && static_cast<int64_t>(i) < sequence.length; ++i) {
    if (starts[i] == 0 || starts[i] == top) continue;
    const int64_t position = sequence.prompt + static_cast<int64_t>(i);
    int32_t &token = sequence.token(position);
    if (token == frame.head.mask_token) continue;
    token = corrupt_token(frame.parts.noise.at_level(starts[i], top), frame.head.vocabulary, frame.head.mask_token,
                          token, frame.draws(sequence, position), {frame.head.forbidden, frame.head.forbidden_count});
  }
}

void begin_sequence(const Frame &frame, Sequence &sequence) {
  sequence.length = frame.generated(sequence.prompt);
  sequence.levels.begin(frame.parts.schedule, sequence.length, frame.plan.skipped(sequence.prompt), sequence.wishes);
  // Fixed tokens right behind the prompt are as settled as the prompt.
  sequence.settled = sequence.prompt + sequence.levels.settled_end(0);
  sequence.settled_before = sequence.emitted = sequence.prompt;
  sequence.materialized = sequence.window_end = sequence.settled;
  if (sequence.settled - sequence.prompt == sequence.length)
    sequence.finished = frame.plan.model_limit ? TEMPER_ROW_MODEL_LIMIT : TEMPER_ROW_LENGTH;
  corrupt(frame, sequence);
}

// The sampler's view of the window, once for each candidate, and what it decides.
void decide(const Frame &frame, Sequence &sequence) {
  CallWindow &window = sequence.window;
  const size_t n = window.active.size();
  const auto candidates = static_cast<size_t>(frame.options.candidates);
  window.positions.clear();
  sequence.proposals.assign(n * candidates, {});
  sequence.candidates.memories.clear();
  sequence.candidates.windows.clear();
  for (size_t m = 0; m < candidates; ++m) {
    if (candidates > 1) sequence.candidates.windows.push_back(sequence.window_memory);
    for (size_t a = 0; a < n; ++a) {
      const ActivePosition &active = window.active[a];
      PositionMemory *memory = &sequence.memory(active.position);
      if (candidates > 1) memory = &sequence.candidates.memories.emplace_back(*memory);
      window.positions.push_back({.position = static_cast<uint32_t>(active.position),
                                  .token = active.token,
                                  .fixed = sequence.levels.fixed(active.position - sequence.prompt),
                                  .transition = &window.transitions[a],
                                  .memory = memory,
                                  .shaping = &window.contexts[a]});
    }
    frame.parts.sampler.decide(frame.head, sampler_window(frame, sequence, static_cast<int32_t>(m)));
  }
  for (size_t a = 0; a < n; ++a) {
    ActivePosition &active = window.active[a];
    active.wants_logits = false;
    for (size_t m = 0; m < candidates; ++m)
      active.wants_logits = active.wants_logits || sequence.proposals[m * n + a].needs_logits;
    if (!active.wants_logits) continue;
    active.cached = false;
    // A shifted model reads them from the row before, which has to be computed then.
    if (frame.spec->shifted && a > 0) window.active[a - 1].cached = false;
  }
}

}  // namespace

Status begin_sequences(const Frame &frame, std::span<Sequence> sequences) {
  // All that can be refused is refused before anything begins.
  for (Sequence &sequence : sequences) {
    TEMPER_TRY(add_begin_token(frame, sequence));
    if (frame.options.guided && sequence.has_unconditional == 0 && sequence.prompt > 0 && frame.head.mask_token < 0)
      return Status(TEMPER_E_ARGUMENT, "guidance of a model without a mask token needs an unconditional prompt");
    const int64_t length = frame.generated(sequence.prompt);
    TEMPER_TRY(frame.parts.schedule.validate(length < 0 ? length : length + frame.plan.skipped(sequence.prompt)));
  }
  for (Sequence &sequence : sequences) begin_sequence(frame, sequence);
  return Status();
}

void collect_history(const Frame &frame, Sequence &sequence, int64_t settled, int64_t end,
                     std::vector<TokenCount> &history) {
  const Shaping &shaping = frame.parts.sampler.parameters().shaping;
  history.clear();
  if (!shaping.counts()) return;
  int64_t first = sequence.first_token;
  if (shaping.look_back > 0) first = std::max(first, settled - shaping.look_back);
  sequence.sorted.clear();
  for (int64_t p = first; p < end; ++p)
    if (const int32_t token = sequence.token(p); !frame.is_masked(token)) sequence.sorted.push_back(token);
  std::sort(sequence.sorted.begin(), sequence.sorted.end());
  for (const int32_t token : sequence.sorted) {
    if (history.empty() || history.back().token != token) history.push_back({token, 0});
    ++history.back().count;
  }
}

SamplerWindow sampler_window(const Frame &frame, Sequence &sequence, int32_t candidate) noexcept {
  const size_t n = sequence.window.active.size(), first = n * static_cast<size_t>(candidate);
  return {std::span<const SamplerPosition>(sequence.window.positions).subspan(first, n),
          std::span<Proposal>(sequence.proposals).subspan(first, n),
          frame.options.candidates > 1 ? &sequence.candidates.windows[static_cast<size_t>(candidate)]
                                       : &sequence.window_memory,
          frame.draws(sequence, sequence_draw).candidate(static_cast<uint32_t>(candidate))};
}

int64_t next_drop(const RowLevels &levels, int64_t call) noexcept {
  const int64_t steps = levels.steps();
  while ((steps < 0 || call < steps) && !levels.drops(call)) ++call;
  return call;
}

int64_t window_stop(const Frame &frame, const Sequence &sequence, int64_t call) noexcept {
  const RowLevels &levels = sequence.levels;
  int64_t end = frame.plan.canvas ? sequence.length : levels.active_end(call);
  if (frame.plan.block_canvas && end > levels.settled_end(call)) {
    const int64_t block = frame.plan.rules.block, last = sequence.prompt + end;
    end = (last + block - 1) / block * block - sequence.prompt;
    if (sequence.length >= 0) end = std::min(end, sequence.length);
  }
  return sequence.prompt + end;
}

void fill_window(const Frame &frame, Sequence &sequence, int64_t begin, int64_t stop, int64_t number) noexcept {
  for (int64_t p = begin; p < stop; ++p) {
    int32_t &token = sequence.token(p);
    if (token < 0) token = Sampler::initial_token(frame.head, frame.parts.noise, frame.draws(sequence, number, p));
  }
}

void list_window(const Frame &frame, const Sequence &sequence, int64_t call, int64_t stop, bool keeps_waiting,
                 CallWindow &window) {
  const RowLevels &levels = sequence.levels;
  const bool shifted = frame.spec->shifted, whole = frame.plan.canvas || frame.plan.block_canvas;
  const int32_t top = frame.parts.schedule.levels();
  const int64_t window_end = levels.window_end(call), look_ahead = frame.options.look_ahead;
  window.active.clear();
  window.contexts.clear();
  auto allowed = sequence.allowed.cbegin();
  for (int64_t i = levels.settled_end(call); i < stop - sequence.prompt; ++i) {
    ActivePosition active;
    active.position = sequence.prompt + i;
    active.level = levels.level(call, i);
    active.next_level = levels.level(call + 1, i);
    active.pure_noise = active.level == top;
    const bool waiting = active.pure_noise && active.next_level == top;
    // Who says nothing to the others and isn't asked may be left out: noise that takes no part yet, where the model
    // isn't shown such noise anyway, and fixed tokens far ahead, where the caller wants that. Not before the end of a
    // shifted model's window: it reads a position from the row before it.
    if (waiting && !shifted && !whole) continue;
    if (look_ahead >= 0 && levels.fixed(i) && i >= window_end + look_ahead && !shifted) continue;
    active.token = sequence.token(active.position);
    active.cached = waiting && keeps_waiting;

    ShapingContext &context = window.contexts.emplace_back();
    context.generated = i;
    context.own_token = active.token == frame.head.mask_token ? -1 : active.token;
    context.history = window.history;
    context.end_tokens = frame.options.end_tokens;
    while (allowed != sequence.allowed.cend() && allowed->position < active.position) ++allowed;
    if (allowed != sequence.allowed.cend() && allowed->position == active.position)
      context.allowed = std::span<const int32_t>(sequence.allowed_ids).subspan(allowed->first, allowed->count);
    window.active.push_back(active);
  }
}

void prepare(const Frame &frame, Sequence &sequence) {
  CallWindow &window = sequence.window;
  sequence.call = next_drop(sequence.levels, sequence.call);
  const int64_t stop = window_stop(frame, sequence, sequence.call);
  fill_window(frame, sequence, sequence.materialized, stop, sequence.call + sequence.held);
  sequence.materialized = std::max(sequence.materialized, stop);
  window.end = sequence.materialized;
  collect_history(frame, sequence, sequence.settled, sequence.materialized, window.history);
  const bool keeps_waiting =
      frame.options.approximation == Approximation::dual && !needs_refresh(frame.options, sequence);
  list_window(frame, sequence, sequence.call, stop, keeps_waiting, window);
  window.transitions.clear();
  for (const ActivePosition &active : window.active)
    window.transitions.push_back(
        frame.parts.noise.transition(active.level, active.next_level, frame.parts.schedule.levels()));
  decide(frame, sequence);
}

void CallWindow::reserve(size_t room, size_t positions_room, size_t history_room, int32_t rows) {
  active.reserve(room);
  transitions.reserve(room);
  contexts.reserve(room);
  positions.reserve(positions_room);
  history.reserve(history_room);
  plan.reserve(rows);
}

}  // namespace temper
