// SPDX-License-Identifier: Apache-2.0
// One step of a session:
//
//   where does every position stand    schedule         -> frontier, window
//   which positions need logits        sampler.decide   (draws that don't depend on logits come first)
//   which rows does that take          RowPlan          -> rows of the model
//   logits                             forward          -> consume, on the backend's threads
//   the new tokens                     sampler.propose
//   what settled, what is frozen       settle
#include "session/session.h"

#include <algorithm>

namespace temper {
bool Session::ends(int32_t token) const noexcept {
  if (options_.ignore_end) return false;
  return std::find(options_.end_tokens.begin(), options_.end_tokens.end(), token) != options_.end_tokens.end();
}

Draws Session::draws(const Sequence &sequence, int64_t position) const noexcept {
  return {seed_, sequence.id, static_cast<uint32_t>(sequence.call), static_cast<uint32_t>(position)};
}

int32_t Session::condition_of(int32_t level) const noexcept { return plan_.forward.conditions > 1 ? level : 0; }

// What settled rows are told of the noise. Where nothing is cached a model may be told the window's level
// throughout, as in its training.
int32_t Session::level_of_settled(const Sequence &sequence) const noexcept {
  const Spec &spec = parts_.model->spec();
  if (!spec.shared_conditioning || spec.context != Context::full) return 0;
  int32_t highest = 0;
  for (const ActivePosition &active : sequence.active) highest = std::max(highest, active.level);
  return highest;
}

// Before the first step: lengths are known now that the prompts are.
Status Session::begin() {
  TEMPER_TRY(check_ready());
  const Spec &spec = parts_.model->spec();
  for (Sequence &sequence : sequences_) {
    if (spec.shifted && sequence.prompt == 0 && plan_.capacity != 0) {
      // The first token of a shifted model is predicted by the row before it.
      const int64_t first = spec.bos_token >= 0 ? spec.bos_token : spec.eos_token;
      if (first < 0)
        return Status(TEMPER_E_ARGUMENT, "this model needs a prompt of at least one token: it has no begin token");
      sequence.tokens[0] = static_cast<int32_t>(first);
      sequence.prompt = 1;
    }
    sequence.length = plan_.capacity < 0 ? -1 : plan_.capacity - sequence.prompt;
    TEMPER_TRY(parts_.schedule.validate(sequence.length));
    sequence.settled = sequence.settled_before = sequence.materialized = sequence.prompt;
    sequence.window_end = sequence.emitted = sequence.prompt;
    if (sequence.length == 0) sequence.finished = plan_.model_limit ? TEMPER_ROW_MODEL_LIMIT : TEMPER_ROW_LENGTH;
  }
  begun_ = true;
  return Status();
}

// The window of this call, its tokens, and the decisions that need no logits.
void Session::prepare(Sequence &sequence) {
  const Hyperschedule &schedule = parts_.schedule;
  const Spec &spec = parts_.model->spec();
  const int32_t levels = schedule.levels();
  const int64_t steps = schedule.steps(sequence.length);
  // Calls in which no level drops would be useless.
  while ((steps < 0 || sequence.call < steps) && !schedule.drops(sequence.call, sequence.length)) ++sequence.call;

  const int64_t end = schedule.active_end(sequence.call, sequence.length);
  for (; sequence.materialized < sequence.prompt + end; ++sequence.materialized)
    sequence.token(sequence.materialized) =
        Sampler::initial_token(head_, parts_.noise, draws(sequence, sequence.materialized));

  sequence.active.clear();
  sequence.transitions.clear();
  sequence.positions.clear();
  sequence.proposals.clear();
  for (int64_t i = schedule.settled_end(sequence.call, sequence.length); i < end; ++i) {
    ActivePosition active;
    active.position = sequence.prompt + i;
    active.level = schedule.level(sequence.call, i);
    active.next_level = schedule.level(sequence.call + 1, i);
    active.pure_noise = active.level == levels;
    // A shifted model reads position i from the row before it, so nobody before the window's end is left out.
    if (active.pure_noise && active.next_level == levels && !spec.shifted) continue;
    active.token = sequence.token(active.position);
    sequence.transitions.push_back(parts_.noise.transition(active.level, active.next_level, levels));
    SamplerPosition &position = sequence.positions.emplace_back();
    position.position = static_cast<uint32_t>(active.position);
    position.token = active.token;
    position.transition = &sequence.transitions.back();
    Proposal &proposal = sequence.proposals.emplace_back();
    proposal.token = active.token;
    if (active.next_level < active.level)
      proposal = parts_.sampler.decide(head_, position, draws(sequence, active.position));
    active.wants_logits = proposal.needs_logits;
    sequence.active.push_back(active);
  }
}

// Tokens of an unbounded row: those that were read and are out of sight make room for new ones.
Status Session::forget(Sequence &sequence) {
  const auto room = static_cast<int64_t>(sequence.tokens.size());
  if (sequence.length >= 0 || sequence.materialized + plan_.max_active <= sequence.first_token + room) return Status();
  const int64_t keep = std::min({sequence.emitted, sequence.frozen, sequence.settled});
  if (sequence.materialized + plan_.max_active > keep + room)
    return Status(TEMPER_E_CAPACITY, "settled tokens of an unbounded row must be read before more can be made");
  std::move(sequence.tokens.begin() + (keep - sequence.first_token), sequence.tokens.end(), sequence.tokens.begin());
  sequence.first_token = keep;
  return Status();
}

// A sliding context lets go of slots that no row looks back to any more.
Status Session::drop_slots(std::size_t index) {
  Sequence &sequence = sequences_[index];
  if (options_.look_back == 0) return Status();
  const int64_t rows_end = sequence.settled + static_cast<int64_t>(sequence.active.size()) + 1;
  const int64_t base = sequence.frozen + 1 - options_.look_back;
  if (rows_end - sequence.slot_base <= plan_.forward.slots || base <= sequence.slot_base) return Status();
  TEMPER_TRY(forward_->move_slots(static_cast<int32_t>(index), static_cast<int32_t>(base - sequence.slot_base), 0,
                                  static_cast<int32_t>(sequence.frozen - base)));
  sequence.slot_base = base;
  return Status();
}

// Reads ahead what of a long prompt doesn't fit beside the window.
Status Session::prefill(std::size_t index, StepReport &report) {
  Sequence &sequence = sequences_[index];
  while (sequence.settled - sequence.frozen + static_cast<int64_t>(sequence.active.size()) > plan_.row_budget) {
    TEMPER_TRY(drop_slots(index));
    const Frontier frontier{sequence.frozen, sequence.settled, sequence.slot_base};
    const int64_t chunk = std::min<int64_t>(plan_.forward.max_rows,
                                            std::max<int64_t>(options_.prefill_rows, plan_.rules.block));
    int64_t end = std::min({prefill_end(plan_.rules, frontier), sequence.frozen + chunk,
                            sequence.slot_base + plan_.forward.slots});
    if (plan_.rules.context == Context::block_causal) end = end / plan_.rules.block * plan_.rules.block;
    if (end <= sequence.frozen) break;
    forward_->clear();
    for (int64_t p = sequence.frozen; p < end; ++p) {
      const PlannedRow row = prefill_row(plan_.rules, frontier, p, sequence.token(p));
      forward_->add({row.token, row.position, condition_of(0), static_cast<int32_t>(index), row.slot,
                     row.visible_begin, row.visible_end});
    }
    TEMPER_TRY(forward_->run({}, nullptr, &cancel_));
    report.rows_computed += end - sequence.frozen;
    ++report.model_calls;
    sequence.frozen = end;
  }
  return Status();
}

// One call for all running sequences.
Status Session::call_model(StepReport &report) {
  int64_t total = 0;
  bool wanted = false;
  for (const Sequence &sequence : sequences_) {
    if (sequence.finished != TEMPER_ROW_RUNNING) continue;
    total += sequence.settled - sequence.frozen + static_cast<int64_t>(sequence.active.size());
    for (const ActivePosition &active : sequence.active) wanted = wanted || active.wants_logits;
  }
  if (!wanted && options_.skip_idle) {
    report.idle = true;
    return Status();
  }
  if (total > plan_.forward.max_rows || options_.look_back > 0)
    for (std::size_t i = 0; i < sequences_.size(); ++i)
      if (sequences_[i].finished == TEMPER_ROW_RUNNING) TEMPER_TRY(prefill(i, report));

  forward_->clear();
  requests_.clear();
  logit_rows_.clear();
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    Sequence &sequence = sequences_[i];
    if (sequence.finished != TEMPER_ROW_RUNNING) continue;
    TEMPER_TRY(drop_slots(i));
    sequence.frontier = {sequence.frozen, sequence.settled, sequence.slot_base};
    sequence.plan.build(plan_.rules, sequence.frontier, sequence.tokens, sequence.first_token, sequence.active);
    sequence.first_row = forward_->count();
    const int32_t settled_level = level_of_settled(sequence);
    for (const PlannedRow &row : sequence.plan.rows())
      if (!forward_->add({row.token, row.position, condition_of(row.level == 0 ? settled_level : row.level),
                          static_cast<int32_t>(i), row.slot, row.visible_begin, row.visible_end}))
        return Status(TEMPER_E_INTERNAL, "the rows of a call exceed their plan");
    for (std::size_t a = 0; a < sequence.active.size(); ++a)
      if (sequence.plan.logit_row()[a] >= 0)
        requests_.push_back({sequence.first_row + sequence.plan.logit_row()[a], static_cast<int32_t>(i),
                             static_cast<int32_t>(a)});
    report.rows_cached += sequence.frontier.frozen - sequence.frontier.slot_base;
  }
  std::sort(requests_.begin(), requests_.end(), [](const Request &a, const Request &b) { return a.row < b.row; });
  for (const Request &request : requests_) logit_rows_.push_back(request.row);
  if (forward_->count() == 0) return Status();
  not_finite_.store(false, std::memory_order_relaxed);
  TEMPER_TRY(forward_->run(logit_rows_, this, &cancel_));
  report.rows_computed += forward_->count();
  report.logit_rows += static_cast<int64_t>(logit_rows_.size());
  ++report.model_calls;
  return Status();
}

// A chunk of logits has arrived: the sampler reads each row once, on the backend's threads.
Status Session::consume(int32_t first, int32_t count, float *logits) {
  struct Chunk {
    Session *session;
    int32_t first;
    float *logits;
  } chunk{this, first, logits};
  auto task = [](void *argument, int32_t index, int32_t worker) {
    const Chunk &c = *static_cast<Chunk *>(argument);
    Session &self = *c.session;
    const Request &request = self.requests_[static_cast<std::size_t>(c.first + index)];
    Sequence &sequence = self.sequences_[static_cast<std::size_t>(request.sequence)];
    const auto at = static_cast<std::size_t>(request.active);
    const auto columns = static_cast<std::size_t>(self.head_.columns);
    const SamplerPosition &position = sequence.positions[at];
    Proposal &proposal = sequence.proposals[at];
    const std::span<const float> row(c.logits + static_cast<std::size_t>(index) * columns, columns);
    if (self.tap_.function != nullptr) self.tap_.function(self.tap_.user, request.sequence, position.position, row);
    proposal = self.parts_.sampler.propose(self.head_, position, self.draws(sequence, position.position), row,
                                           self.workspaces_[static_cast<std::size_t>(worker)]);
    if (proposal.token < 0) self.not_finite_.store(true, std::memory_order_relaxed);
  };
  TEMPER_TRY(forward_->parallel(task, &chunk, count));
  if (not_finite_.load(std::memory_order_relaxed))
    return Status(TEMPER_E_UNSUPPORTED, "the model gave logits that aren't finite numbers");
  return Status();
}

// The step's outcome becomes the sequence's state.
void Session::settle(Sequence &sequence, StepReport &report) {
  const Hyperschedule &schedule = parts_.schedule;
  parts_.sampler.finish(head_, sequence.positions, sequence.proposals, draws(sequence, kSequenceDraw));
  sequence.changed = 0;
  for (std::size_t i = 0; i < sequence.active.size(); ++i) {
    if (sequence.proposals[i].token == sequence.active[i].token) continue;
    sequence.token(sequence.active[i].position) = sequence.proposals[i].token;
    ++sequence.changed;
  }
  const int64_t steps = schedule.steps(sequence.length);
  const bool last = steps >= 0 && sequence.call + 1 >= steps;
  const int64_t next =
      sequence.prompt + (last ? sequence.length : schedule.settled_end(sequence.call + 1, sequence.length));
  if (!report.idle)
    sequence.frozen = frozen_after(plan_.rules, sequence.frontier, sequence.plan.last_settled_sees_window(), next);

  ++sequence.call;
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
  const Status called = call_model(report);
  if (!called.ok()) {
    if (called.code() == TEMPER_E_CANCELLED) cancel_.store(false, std::memory_order_relaxed);
    return called;
  }
  for (Sequence &sequence : sequences_)
    if (sequence.finished == TEMPER_ROW_RUNNING) settle(sequence, report);
  report.rows_running = running();
  ++steps_done_;
  rows_computed_ += report.rows_computed;
  return Status();
}

}  // namespace temper
