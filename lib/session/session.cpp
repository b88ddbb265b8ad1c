// SPDX-License-Identifier: Apache-2.0
// A session's making and its memory. What may be said before the first step: setup.cpp.
#include "session/session.h"

#include "session/defaults.h"

#include <algorithm>

namespace temper {

Session::Session(SessionParts parts) : parts_(std::move(parts)), head_(describe_head(parts_.model->spec())) {
  // Score models: what others work on is the decoded prediction.
  converted_head_ = Sampler::converted(head_);
}

Result<std::unique_ptr<Session>> Session::create(SessionParts parts, int32_t rows, int64_t length, uint64_t seed) {
  std::unique_ptr<Session> session(new Session(std::move(parts)));
  session->length_ = length;
  session->seed_ = seed;
  const Spec &spec = session->parts_.model->spec();
  for (const int64_t token : spec.end_tokens) session->options_.end_tokens.push_back(static_cast<int32_t>(token));
  std::sort(session->options_.end_tokens.begin(), session->options_.end_tokens.end());
  if (rows < 1 || rows > 4096) return fail(TEMPER_E_ARGUMENT, "rows must be 1 to 4096, not %d", rows);
  session->sequences_.resize(static_cast<size_t>(rows));
  for (size_t i = 0; i < session->sequences_.size(); ++i)
    session->sequences_[i].id = static_cast<uint32_t>(i);
  // The other kinds are right by construction, or by their length, which is known with the prompts.
  if (session->parts_.schedule.kind() == ScheduleKind::callback && length > 0)
    TEMPER_TRY(session->parts_.schedule.validate(length));
  TEMPER_TRY(session->parts_.noise.check(session->parts_.schedule.levels()));
  // An unbounded row can only be planned once its sliding context is known.
  if (length != 0) TEMPER_TRY(session->allocate());
  return session;
}

Status Session::allocate(const Session *origin) {
  const Spec &spec = parts_.model->spec();
  TEMPER_ASSIGN(const SessionPlan plan, plan_session(spec, parts_.schedule, rows(), length_, options_));
  TEMPER_TRY(check_parts(parts_, plan));
  forward_.reset();  // its memory first: two plans at once may not fit
  TEMPER_ASSIGN(std::unique_ptr<Forward> forward, origin != nullptr ? origin->forked_cache(plan)
                                                                    : Forward::create(parts_.model, plan.forward));
  TEMPER_TRY(forward->set_conditions(
      level_conditions(spec, parts_.noise, parts_.schedule.levels(), plan.forward.conditions)));

  plan_ = plan;
  const size_t window = window_room(), drawn = window * static_cast<size_t>(options_.candidates);
  const auto room = static_cast<size_t>(plan.token_room);
  for (Sequence &sequence : sequences_) {
    sequence.tokens.resize(room, -1);
    sequence.records.assign(room, {});
    sequence.memories.assign(room, {});
    sequence.active.reserve(window);
    sequence.transitions.reserve(window);
    sequence.contexts.reserve(window);
    sequence.positions.reserve(drawn);
    sequence.proposals.reserve(drawn);
    if (options_.candidates > 1) {
      sequence.scratch.reserve(drawn);
      sequence.windows.reserve(static_cast<size_t>(options_.candidates));
      sequence.verdicts.resize(static_cast<size_t>(options_.candidates));
      sequence.shown.reserve(drawn);
    }
    if (parts_.sampler.parameters().shaping.counts()) {
      sequence.sorted.reserve(room);
      sequence.history.reserve(room);
    }
    sequence.plan.reserve(plan.forward.max_rows);
    if (plan.paired) sequence.companion.reserve(room, window, plan.forward.max_rows);
    if (previews()) {
      sequence.preview.reserve(room, window, plan.forward.max_rows);
      if (plan.paired) sequence.preview.companion.reserve(room, window, plan.forward.max_rows);
    }
  }
  requests_.reserve(sequences_.size() * window * (plan.paired ? 2 : 1));
  logit_rows_.reserve(requests_.capacity());
  if (options_.candidates > 1) {
    values_.resize(static_cast<size_t>(options_.candidates));
  }
  workspaces_.clear();
  for (int32_t worker = 0; worker < forward->workers(); ++worker) {
    TEMPER_ASSIGN(Workspace workspace, Workspace::create(static_cast<int32_t>(spec.columns)));
    workspaces_.push_back(std::move(workspace));
  }
  forward_ = std::move(forward);
  return Status();
}

void Companion::reserve(size_t positions, size_t window, int32_t rows) {
  tokens.reserve(positions);
  active.reserve(window);
  plan.reserve(rows);
}

void Sequence::clear() noexcept {
  prompt = length = call = held = first_token = 0;
  levels.reset();
  corrupt_draft = true;
  allowed.clear();
  allowed_ids.clear();
  std::fill(tokens.begin(), tokens.end(), -1);
  std::fill(records.begin(), records.end(), TokenRecord());
  std::fill(memories.begin(), memories.end(), PositionMemory());
  frozen = slot_base = settled = settled_before = 0;
  materialized = window_end = emitted = changed = calls_done = 0;
  stale_calls = 0;
  refreshed_at = -1;
  finished = TEMPER_ROW_RUNNING;
  window = WindowMemory();
  companion.prompt.clear();
  companion.has_prompt = false;
  companion.frozen = 0;
}

void Session::reset(uint64_t seed) noexcept {
  seed_ = seed;
  begun_ = false;
  steps_done_ = rows_computed_ = calls_made_ = 0;
  cancel_.store(false, std::memory_order_relaxed);
  for (Sequence &sequence : sequences_) sequence.clear();
}

size_t Session::read(int32_t row, std::span<int32_t> out) noexcept {
  Sequence &sequence = sequences_[static_cast<size_t>(row)];
  if (!begun_) return 0;
  size_t count = 0;
  while (count < out.size() && sequence.emitted < sequence.settled)
    out[count++] = sequence.token(sequence.emitted++);
  return count;
}

int64_t Session::steps_total() const noexcept {
  int64_t total = 0;
  for (const Sequence &sequence : sequences_) {
    const int64_t length = begun_ ? sequence.length : plan_.capacity < 0 ? -1 : plan_.capacity - sequence.prompt;
    if (length < 0) return -1;
    total = std::max(total, parts_.schedule.steps(length + skipped(sequence.prompt)));
  }
  return total;
}

int64_t Session::bytes() const noexcept {
  return forward_ == nullptr ? 0 : forward_->bytes() + row_bytes(plan_, rows());
}

int64_t row_bytes(const SessionPlan &plan, int32_t rows) noexcept {
  const auto position = static_cast<int64_t>(sizeof(int32_t) + sizeof(TokenRecord) + sizeof(PositionMemory));
  return plan.token_room * position * rows;
}

}  // namespace temper
