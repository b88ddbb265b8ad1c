// SPDX-License-Identifier: Apache-2.0
// Before a call: which positions are in the window, at which levels, with which tokens, and what the sampler
// decides about them without having seen logits.
#include "noise/corrupt.h"
#include "session/session.h"

#include <algorithm>

namespace temper {

// One set of draws per model call of a row: calls that stay at their place in the hyperschedule count too.
Draws Session::draws(const Sequence &sequence, int64_t number, int64_t position) const noexcept {
  return {seed_, sequence.id, static_cast<uint32_t>(number), static_cast<uint32_t>(position)};
}
Draws Session::draws(const Sequence &sequence, int64_t position) const noexcept {
  return draws(sequence, sequence.call + sequence.held, position);
}

// Before the first step: lengths are known now that the prompts are.
Status Session::begin() {
  TEMPER_TRY(check_ready());
  // All that can be refused is refused before anything begins.
  const auto length_of = [&](const Sequence &sequence) {
    return plan_.capacity < 0 ? int64_t{-1} : plan_.capacity - sequence.prompt;
  };
  for (Sequence &sequence : sequences_) {
    TEMPER_TRY(add_begin_token(sequence));
    if (options_.guided && !sequence.companion.has_prompt && sequence.prompt > 0 && head_.mask_token < 0)
      return Status(TEMPER_E_ARGUMENT, "guidance of a model without a mask token needs an unconditional prompt");
    const int64_t length = length_of(sequence);
    TEMPER_TRY(parts_.schedule.validate(length < 0 ? length : length + skipped(sequence.prompt)));
  }
  for (Sequence &sequence : sequences_) {
    sequence.length = length_of(sequence);
    sequence.levels.begin(parts_.schedule, sequence.length, skipped(sequence.prompt));
    // Fixed tokens right behind the prompt are as settled as the prompt.
    sequence.settled = sequence.prompt + sequence.levels.settled_end(0);
    sequence.settled_before = sequence.emitted = sequence.prompt;
    sequence.materialized = sequence.window_end = sequence.settled;
    if (sequence.settled - sequence.prompt == sequence.length)
      sequence.finished = plan_.model_limit ? TEMPER_ROW_MODEL_LIMIT : TEMPER_ROW_LENGTH;
    corrupt(sequence);
  }
  begun_ = true;
  return Status();
}

// A draft starts at its levels (SDEdit's idea with an exact forward process).
void Session::corrupt(Sequence &sequence) {
  if (!sequence.corrupt_draft) return;
  const int32_t top = parts_.schedule.levels();
  const std::vector<int32_t> &starts = sequence.levels.starts();
  for (size_t i = 0; i < starts.size() && static_cast<int64_t>(i) < sequence.length; ++i) {
    if (starts[i] == 0 || starts[i] == top) continue;
    const int64_t position = sequence.prompt + static_cast<int64_t>(i);
    int32_t &token = sequence.token(position);
    if (token == head_.mask_token) continue;
    token = corrupt_token(parts_.noise.at_level(starts[i], top), head_.vocabulary, head_.mask_token, token,
                          draws(sequence, position));
  }
}

// Visible tokens by id, for penalties: those of the last `window` settled positions and of all behind them.
void Session::collect_history(Sequence &sequence, int64_t settled, int64_t end, std::vector<TokenCount> &history) {
  const Shaping &shaping = parts_.sampler.parameters().shaping;
  history.clear();
  if (!shaping.counts()) return;
  int64_t first = sequence.first_token;
  if (shaping.look_back > 0) first = std::max(first, settled - shaping.look_back);
  sequence.sorted.clear();
  for (int64_t p = first; p < end; ++p) {
    const int32_t token = sequence.token(p);
    if (token >= 0 && token != head_.mask_token) sequence.sorted.push_back(token);
  }
  std::sort(sequence.sorted.begin(), sequence.sorted.end());
  for (const int32_t token : sequence.sorted) {
    if (history.empty() || history.back().token != token) history.push_back({token, 0});
    ++history.back().count;
  }
}

SamplerWindow Session::window_of(Sequence &sequence, int32_t candidate) noexcept {
  const size_t n = sequence.active.size(), first = n * static_cast<size_t>(candidate);
  return {std::span<const SamplerPosition>(sequence.positions).subspan(first, n),
          std::span<Proposal>(sequence.proposals).subspan(first, n),
          options_.candidates > 1 ? &sequence.windows[static_cast<size_t>(candidate)] : &sequence.window,
          draws(sequence, sequence_draw).candidate(static_cast<uint32_t>(candidate))};
}

// The call at which a level drops next: others would be useless.
int64_t Session::next_drop(const Sequence &sequence, int64_t call) const noexcept {
  const RowLevels &levels = sequence.levels;
  const int64_t steps = levels.steps();
  while ((steps < 0 || call < steps) && !levels.drops(call)) ++call;
  return call;
}

// Where the positions of a call's window end.
int64_t Session::window_stop(const Sequence &sequence, int64_t call) const noexcept {
  const RowLevels &levels = sequence.levels;
  int64_t end = plan_.canvas ? sequence.length : levels.active_end(call);
  if (plan_.block_canvas && end > levels.settled_end(call)) {
    const int64_t block = plan_.rules.block, last = sequence.prompt + end;
    end = (last + block - 1) / block * block - sequence.prompt;
    if (sequence.length >= 0) end = std::min(end, sequence.length);
  }
  return sequence.prompt + end;
}

// Positions that are there for the first time start as noise; those of a draft have their token.
void Session::fill_window(Sequence &sequence, int64_t begin, int64_t stop, int64_t number) const noexcept {
  for (int64_t p = begin; p < stop; ++p) {
    int32_t &token = sequence.token(p);
    if (token < 0) token = Sampler::initial_token(head_, parts_.noise, draws(sequence, number, p));
  }
}

void Session::list_window(Sequence &sequence, int64_t call, int64_t stop, bool keeps_waiting,
                          std::vector<ActivePosition> &listed, std::vector<ShapingContext> &contexts,
                          std::span<const TokenCount> history) const {
  const RowLevels &levels = sequence.levels;
  const bool shifted = parts_.model->spec().shifted;
  const int32_t top = parts_.schedule.levels();
  const int64_t window_end = levels.window_end(call);
  listed.clear();
  contexts.clear();
  auto allowed = sequence.allowed.cbegin();
  for (int64_t i = levels.settled_end(call); i < stop - sequence.prompt; ++i) {
    ActivePosition active;
    active.position = sequence.prompt + i;
    active.level = levels.level(call, i);
    active.next_level = levels.level(call + 1, i);
    active.pure_noise = active.level == top;
    const bool waiting = active.pure_noise && active.next_level == top;
    // A shifted model reads position i from the row before it, so nobody before the window's end is left out.
    if (waiting && !shifted && !plan_.canvas && !plan_.block_canvas) continue;
    if (options_.look_ahead >= 0 && levels.fixed(i) && i >= window_end + options_.look_ahead && !shifted) continue;
    active.token = sequence.token(active.position);
    active.cached = waiting && keeps_waiting;

    ShapingContext &context = contexts.emplace_back();
    context.generated = i;
    context.own_token = active.token == head_.mask_token ? -1 : active.token;
    context.history = history;
    context.end_tokens = options_.end_tokens;
    while (allowed != sequence.allowed.cend() && allowed->position < active.position) ++allowed;
    if (allowed != sequence.allowed.cend() && allowed->position == active.position)
      context.allowed = std::span<const int32_t>(sequence.allowed_ids).subspan(allowed->first, allowed->count);
    listed.push_back(active);
  }
}

void Session::prepare(Sequence &sequence) {
  sequence.call = next_drop(sequence, sequence.call);
  const int64_t stop = window_stop(sequence, sequence.call);
  fill_window(sequence, sequence.materialized, stop, sequence.call + sequence.held);
  sequence.materialized = std::max(sequence.materialized, stop);
  collect_history(sequence, sequence.settled, sequence.materialized, sequence.history);
  const bool keeps_waiting = options_.approximation == Approximation::dual && !needs_refresh(sequence);
  list_window(sequence, sequence.call, stop, keeps_waiting, sequence.active, sequence.contexts, sequence.history);
  sequence.transitions.clear();
  for (const ActivePosition &active : sequence.active)
    sequence.transitions.push_back(
        parts_.noise.transition(active.level, active.next_level, parts_.schedule.levels()));

  const auto n = sequence.active.size();
  const auto candidates = static_cast<size_t>(options_.candidates);
  sequence.positions.clear();
  sequence.proposals.assign(n * candidates, {});
  sequence.scratch.clear();
  sequence.windows.clear();
  for (size_t m = 0; m < candidates; ++m) {
    if (candidates > 1) sequence.windows.push_back(sequence.window);
    for (size_t a = 0; a < n; ++a) {
      const ActivePosition &active = sequence.active[a];
      PositionMemory &memory = sequence.memory(active.position);
      if (candidates > 1) sequence.scratch.push_back(memory);
      SamplerPosition &position = sequence.positions.emplace_back();
      position.position = static_cast<uint32_t>(active.position);
      position.token = active.token;
      position.fixed = sequence.levels.fixed(active.position - sequence.prompt);
      position.transition = &sequence.transitions[a];
      position.memory = candidates > 1 ? &sequence.scratch.back() : &memory;
      position.shaping = &sequence.contexts[a];
    }
    parts_.sampler.decide(head_, window_of(sequence, static_cast<int32_t>(m)));
  }
  for (size_t a = 0; a < n; ++a) {
    ActivePosition &active = sequence.active[a];
    active.wants_logits = false;
    for (size_t m = 0; m < candidates; ++m)
      active.wants_logits = active.wants_logits || sequence.proposals[m * n + a].needs_logits;
    if (active.wants_logits) active.cached = false;
  }
}

}  // namespace temper
