// SPDX-License-Identifier: Apache-2.0
#include "session/session.h"

#include <algorithm>

namespace temper {

Session::Session(SessionParts parts) : parts_(std::move(parts)), head_(describe_head(parts_.model->spec())) {}

Result<std::unique_ptr<Session>> Session::create(SessionParts parts, int32_t rows, int64_t length, uint64_t seed) {
  std::unique_ptr<Session> session(new Session(std::move(parts)));
  session->length_ = length;
  session->seed_ = seed;
  const Spec &spec = session->parts_.model->spec();
  for (const int64_t token : spec.end_tokens) session->options_.end_tokens.push_back(static_cast<int32_t>(token));
  if (rows < 1 || rows > 4096) return fail(TEMPER_E_ARGUMENT, "rows must be 1 to 4096, not %d", rows);
  session->sequences_.resize(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < session->sequences_.size(); ++i)
    session->sequences_[i].id = static_cast<uint32_t>(i);
  // The other kinds are right by construction, or by their length, which is known with the prompts.
  if (session->parts_.schedule.kind() == ScheduleKind::callback && length > 0)
    TEMPER_TRY(session->parts_.schedule.validate(length));
  // An unbounded row can only be planned once its sliding context is known.
  if (length != 0) TEMPER_TRY(session->allocate());
  return session;
}

Status Session::allocate() {
  const Spec &spec = parts_.model->spec();
  TEMPER_ASSIGN(const SessionPlan plan, plan_session(spec, parts_.schedule, rows(), length_, options_));
  TEMPER_TRY(check_parts(parts_, plan));
  forward_.reset();  // its memory first: two plans at once may not fit
  TEMPER_ASSIGN(forward_, Forward::create(parts_.model, plan.forward));

  const int32_t levels = parts_.schedule.levels();
  std::vector<double> conditions(static_cast<std::size_t>(plan.forward.conditions), 0.0);
  if (conditions.size() > 1)
    for (int32_t level = 0; level <= levels; ++level) {
      const double t = level == 0 ? spec.settled_time : parts_.noise.time(level, levels);
      // The clock's sigma may be infinite at t = 1; no model was trained beyond this.
      constexpr double most = 20.0;
      conditions[static_cast<std::size_t>(level)] =
          spec.conditioning == Conditioning::time ? t : std::min(parts_.noise.sigma(t), most);
    }
  TEMPER_TRY(forward_->set_conditions(conditions));

  for (Sequence &sequence : sequences_) {
    sequence.tokens.assign(static_cast<std::size_t>(plan.token_room), -1);
    const auto window = static_cast<std::size_t>(plan.max_active + 1);
    sequence.active.reserve(window);
    sequence.transitions.reserve(window);
    sequence.positions.reserve(window);
    sequence.proposals.reserve(window);
    sequence.plan.reserve(plan.forward.max_rows);
  }
  requests_.reserve(sequences_.size() * static_cast<std::size_t>(plan.max_active + 1));
  logit_rows_.reserve(requests_.capacity());
  workspaces_.clear();
  for (int32_t worker = 0; worker < forward_->workers(); ++worker) {
    TEMPER_ASSIGN(Workspace workspace, Workspace::create(static_cast<int32_t>(spec.columns)));
    workspaces_.push_back(std::move(workspace));
  }
  plan_ = plan;
  return Status();
}

Status Session::set_options(const SessionOptions &options) {
  if (begun_) return Status(TEMPER_E_STATE, "options can't be set after the first step");
  SessionOptions wanted = options;
  if (length_ == 0 && wanted.look_back == 0) {
    forward_.reset();  // it was made for another context
    std::swap(options_, wanted);
    return Status();
  }
  // All that can be refused is refused before anything changes.
  TEMPER_ASSIGN(const SessionPlan plan,
                plan_session(parts_.model->spec(), parts_.schedule, rows(), length_, wanted));
  TEMPER_TRY(check_parts(parts_, plan));
  const int64_t room = plan.capacity >= 0 ? plan.capacity : plan.token_room;
  // Prompts live in the tokens that are about to be made anew.
  std::vector<std::vector<int32_t>> prompts;
  for (const Sequence &sequence : sequences_) {
    if (sequence.prompt > room)
      return fail(TEMPER_E_ARGUMENT, "a prompt of %lld tokens doesn't fit a row of %lld",
                  static_cast<long long>(sequence.prompt), static_cast<long long>(room));
    prompts.emplace_back(sequence.tokens.begin(), sequence.tokens.begin() + sequence.prompt);
  }
  std::swap(options_, wanted);
  // Without memory the session loses its prompts; it can be ended, or given options that need less.
  struct Unless {
    Session &session;
    bool done = false;
    ~Unless() {
      if (done) return;
      session.forward_.reset();
      for (Sequence &sequence : session.sequences_) sequence.prompt = 0;
    }
  } made{*this};
  TEMPER_TRY(allocate());
  for (std::size_t i = 0; i < prompts.size(); ++i)
    std::copy(prompts[i].begin(), prompts[i].end(), sequences_[i].tokens.begin());
  made.done = true;
  return Status();
}

Status Session::check_ready() const {
  if (forward_ != nullptr) return Status();
  if (length_ == 0) return Status(TEMPER_E_STATE, "an unbounded row needs a sliding context first");
  return Status(TEMPER_E_STATE, "memory ran out when options were set: set ones that need less");
}

Status Session::set_id(int32_t row, uint32_t id) {
  if (begun_) return Status(TEMPER_E_STATE, "row ids can't be set after the first step");
  sequences_[static_cast<std::size_t>(row)].id = id;
  return Status();
}

Status Session::prompt(int32_t row, std::span<const int32_t> tokens) {
  if (begun_) return Status(TEMPER_E_STATE, "prompts can't be set after the first step");
  if (forward_ == nullptr) return Status(TEMPER_E_STATE, "an unbounded row needs a sliding context first");
  const Spec &spec = parts_.model->spec();
  // An unbounded row also holds its first window.
  const int64_t most = plan_.capacity >= 0 ? plan_.capacity : plan_.token_room - plan_.max_active;
  if (tokens.size() > static_cast<std::size_t>(most))
    return fail(TEMPER_E_ARGUMENT, "a prompt of %zu tokens in a row of %lld", tokens.size(),
                static_cast<long long>(most));
  for (const int32_t token : tokens)
    if (token < 0 || token >= spec.vocabulary)
      return fail(TEMPER_E_ARGUMENT, "token %d isn't in the vocabulary of %lld", token,
                  static_cast<long long>(spec.vocabulary));
  Sequence &sequence = sequences_[static_cast<std::size_t>(row)];
  std::copy(tokens.begin(), tokens.end(), sequence.tokens.begin());
  sequence.prompt = static_cast<int64_t>(tokens.size());
  return Status();
}

void Session::reset(uint64_t seed) noexcept {
  seed_ = seed;
  begun_ = false;
  steps_done_ = rows_computed_ = 0;
  cancel_.store(false, std::memory_order_relaxed);
  for (Sequence &sequence : sequences_) {
    sequence.prompt = sequence.length = sequence.call = sequence.first_token = 0;
    sequence.frozen = sequence.slot_base = sequence.settled = sequence.settled_before = 0;
    sequence.materialized = sequence.window_end = sequence.emitted = sequence.changed = 0;
    sequence.calls_done = 0;
    sequence.finished = TEMPER_ROW_RUNNING;
  }
}

std::size_t Session::read(int32_t row, std::span<int32_t> out) noexcept {
  Sequence &sequence = sequences_[static_cast<std::size_t>(row)];
  if (!begun_) return 0;
  std::size_t count = 0;
  while (count < out.size() && sequence.emitted < sequence.settled)
    out[count++] = sequence.token(sequence.emitted++);
  return count;
}

int64_t Session::steps_total() const noexcept {
  int64_t total = 0;
  for (const Sequence &sequence : sequences_) {
    const int64_t length = begun_ ? sequence.length : plan_.capacity < 0 ? -1 : plan_.capacity - sequence.prompt;
    if (length < 0) return -1;
    total = std::max(total, parts_.schedule.steps(length));
  }
  return total;
}

int64_t Session::bytes() const noexcept {
  if (forward_ == nullptr) return 0;
  return forward_->bytes() + plan_.token_room * static_cast<int64_t>(sizeof(int32_t)) * rows();
}

}  // namespace temper
