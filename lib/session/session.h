// SPDX-License-Identifier: Apache-2.0
// One generation in progress. The only object that knows all the others: it asks the hyperschedule where
// every position stands, plans the rows of a call, runs the model, lets the sampler move the window, and
// keeps what has settled. Create and options: session.cpp. The step: step.cpp.
#pragma once

#include "model/forward.h"
#include "noise/noise.h"
#include "sampler/sampler.h"
#include "schedule/hyperschedule.h"
#include "session/sequence.h"

#include <atomic>
#include <memory>
#include <span>
#include <vector>

namespace temper {

// What a session is made of; all immutable.
struct SessionParts {
  std::shared_ptr<const Model> model;
  Hyperschedule schedule;
  Noise noise;
  Sampler sampler;
};

struct SessionOptions {
  bool cache = true;
  bool ignore_end = false;
  bool skip_idle = false;
  int64_t look_back = 0;
  int32_t prefill_rows = 256;
  std::vector<int32_t> end_tokens;
};

// Sizes of everything, known before anything is allocated (plan.cpp).
struct SessionPlan {
  Rules rules;
  ForwardPlan forward;
  int64_t capacity = 0;      // positions of a row, prompt included; -1: unbounded
  bool model_limit = false;  // the trained length cut the row short
  int64_t row_budget = 0;    // rows of one sequence in an ordinary call
  int64_t max_active = 0;    // widest window
  int64_t token_room = 0;    // tokens held per row
};

Result<SessionPlan> plan_session(const Spec &spec, const Hyperschedule &schedule, int32_t rows, int64_t length,
                                 const SessionOptions &options);

// The model can follow this schedule, noise and sampler; otherwise the reason.
Status check_parts(const SessionParts &parts, const SessionPlan &plan);

// What the columns of the model's logits mean to the sampler.
HeadDescription describe_head(const Spec &spec);

// Looks at the raw logits (float, `columns` of them) that predict a position, before the sampler does; on
// any of the backend's threads. For tests and traces.
struct LogitTap {
  void (*function)(void *user, int32_t row, int64_t position, std::span<const float> logits) = nullptr;
  void *user = nullptr;
};

struct StepReport {
  bool done = false;         // all rows were finished before
  bool length_limit = false; // a row ended now at the model's trained length
  int64_t steps_total = 0;
  int32_t rows_running = 0, model_calls = 0;
  int64_t rows_computed = 0, rows_cached = 0, logit_rows = 0, settled = 0, changed = 0;
  bool idle = false;
};

class Session final : private LogitSink {
 public:
  static Result<std::unique_ptr<Session>> create(SessionParts parts, int32_t rows, int64_t length, uint64_t seed);

  Status set_options(const SessionOptions &options);  // before the first step; reallocates
  const SessionOptions &options() const noexcept { return options_; }
  Status set_id(int32_t row, uint32_t id);
  Status prompt(int32_t row, std::span<const int32_t> tokens);
  Status step(StepReport &report);
  void reset(uint64_t seed) noexcept;
  void set_tap(LogitTap tap) noexcept { tap_ = tap; }
  void cancel() noexcept { cancel_.store(true, std::memory_order_relaxed); }

  int32_t rows() const noexcept { return static_cast<int32_t>(sequences_.size()); }
  const Sequence &row(int32_t index) const noexcept { return sequences_[static_cast<std::size_t>(index)]; }
  // Moves settled tokens that weren't read yet to `out`; how many.
  std::size_t read(int32_t row, std::span<int32_t> out) noexcept;

  const SessionPlan &plan() const noexcept { return plan_; }
  int64_t length() const noexcept { return length_; }
  int64_t steps_total() const noexcept;
  int64_t steps_done() const noexcept { return steps_done_; }
  int64_t rows_computed() const noexcept { return rows_computed_; }
  int64_t bytes() const noexcept;

 private:
  explicit Session(SessionParts parts);
  Status allocate();
  Status check_ready() const;
  Status begin();
  void prepare(Sequence &sequence);
  Status forget(Sequence &sequence);
  Status drop_slots(std::size_t index);
  Status prefill(std::size_t index, StepReport &report);
  Status call_model(StepReport &report);
  void settle(Sequence &sequence, StepReport &report);
  Status consume(int32_t first, int32_t count, float *logits) override;
  bool ends(int32_t token) const noexcept;
  int32_t condition_of(int32_t level) const noexcept;
  int32_t level_of_settled(const Sequence &sequence) const noexcept;
  Draws draws(const Sequence &sequence, int64_t position) const noexcept;

  // A logit row that is wanted: whose, and where in the call.
  struct Request {
    int32_t row = 0;  // of the call
    int32_t sequence = 0;
    int32_t active = 0;
  };

  SessionParts parts_;
  HeadDescription head_;
  SessionOptions options_;
  SessionPlan plan_;
  int64_t length_ = 0;  // as the caller gave it
  uint64_t seed_ = 0;
  bool begun_ = false;
  int64_t steps_done_ = 0, rows_computed_ = 0;
  std::atomic<bool> cancel_{false};

  std::vector<Sequence> sequences_;
  std::unique_ptr<Forward> forward_;
  LogitTap tap_;
  std::vector<Request> requests_;
  std::vector<int32_t> logit_rows_;
  std::vector<Workspace> workspaces_;
  std::atomic<bool> not_finite_{false};
};

}  // namespace temper
