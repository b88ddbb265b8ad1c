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
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace temper {

struct SavedSession;

// What a session is made of; all immutable.
struct SessionParts {
  std::shared_ptr<const Model> model;
  Hyperschedule schedule;
  Noise noise;
  Sampler sampler;
};

// How settled rows of models that see everything are kept (full context only).
enum class Approximation : int32_t {
  none = 0,    // every call computes every row: exact
  prefix = 1,  // settled rows are kept from the last full call
  dual = 2     // settled rows, and those behind the window
};

enum class Choice : int32_t { automatic = -1, off = 0, on = 1 };

struct SessionOptions {
  bool cache = true;
  bool ignore_end = false;
  bool skip_idle = false;
  int64_t look_back = 0;
  int64_t look_ahead = -1;      // fixed positions farther beyond the window aren't shown; -1: all are
  int32_t prefill_rows = 256;
  Choice canvas = Choice::automatic;  // undecided positions behind the window are rows too
  Choice align = Choice::automatic;   // the hyperschedule's blocks are those of absolute positions
  bool single_positions = false;      // some positions are fixed, drafted or weighted
  Approximation approximation = Approximation::none;
  int32_t refresh = 0;                // full calls every so many; 0: when the frontier moves
  bool measure = false;               // of the approximation, in every call
  bool guided = false;                // logits are those of two runs
  double guidance = 0;                // w of l_u + (w + 1)(l_c - l_u)
  int32_t candidates = 1;             // windows drawn per step and chosen from by value
  bool preview = false;               // they are judged by what the model would predict from them
  std::vector<int32_t> end_tokens;    // ascending, each once
};

// Sizes of everything, known before anything is allocated (plan.cpp).
struct SessionPlan {
  Rules rules;
  ForwardPlan forward;
  int64_t capacity = 0;      // positions of a row, prompt included; -1: unbounded
  bool model_limit = false;  // the trained length cut the row short
  bool canvas = false;       // all positions are rows from the start
  bool block_canvas = false; // undecided positions of a begun block are rows
  int64_t align = 0;         // blocks of the hyperschedule begin at multiples of it; 0: behind the prompt
  bool paired = false;       // two runs of the model over each window
  int64_t row_budget = 0;    // rows of one sequence in an ordinary call
  int64_t max_active = 0;    // widest window
  int64_t token_room = 0;    // tokens held per row
};

Result<SessionPlan> plan_session(const Spec &spec, const Hyperschedule &schedule, int32_t rows, int64_t length,
                                 const SessionOptions &options);

// What the rows of a session take beside the model's work space.
int64_t row_bytes(const SessionPlan &plan, int32_t rows) noexcept;

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

// The caller's own work on logits and on candidates, on the thread that steps.
struct LogitHook {
  temper_logits_fn function = nullptr;
  void *user = nullptr;
};
struct ValueHook {
  temper_value_fn function = nullptr;
  void *user = nullptr;
  double alpha = 1;
};

struct StepReport {
  bool done = false;         // all rows were finished before
  bool length_limit = false; // a row ended now at the model's trained length
  int64_t steps_total = 0;
  int32_t rows_running = 0, model_calls = 0;
  int64_t rows_computed = 0, rows_cached = 0, logit_rows = 0, settled = 0, changed = 0;
  bool idle = false;
  int64_t stale = 0;         // cached rows that an exact call would have computed
  double difference = -1;    // of logits to those of an exact call; -1: not measured
};

class Session final : private LogitSink {
 public:
  static Result<std::unique_ptr<Session>> create(SessionParts parts, int32_t rows, int64_t length, uint64_t seed);

  // Positions of the prompt that the hyperschedule counts as its own.
  int64_t skipped(int64_t prompt) const noexcept { return plan_.align > 0 ? prompt % plan_.align : 0; }

  // Before the first step (setup.cpp). What changes memory needs reallocates.
  Status set_options(const SessionOptions &options);
  const SessionOptions &options() const noexcept { return options_; }
  Status set_id(int32_t row, uint32_t id);
  Status prompt(int32_t row, std::span<const int32_t> tokens);
  Status fix(int32_t row, std::span<const int64_t> positions, std::span<const int32_t> tokens);
  Status draft(int32_t row, std::span<const int32_t> tokens, std::span<const int32_t> levels, bool corrupt);
  Status weights(int32_t row, std::span<const float> weights);
  Status allow(int32_t row, int64_t position, std::span<const int32_t> tokens);
  Status unconditional(int32_t row, std::span<const int32_t> tokens);
  Status set_value(ValueHook hook, int32_t candidates, bool preview);
  void set_logit_hook(LogitHook hook) noexcept { logit_hook_ = hook; }
  void set_tap(LogitTap tap) noexcept { tap_ = tap; }

  Status step(StepReport &report);
  void reset(uint64_t seed) noexcept;
  void cancel() noexcept { cancel_.store(true, std::memory_order_relaxed); }

  // A second session that goes on from here with another seed; what is frozen is shared, not computed
  // (snapshot.cpp). The hooks stay behind: they may not be made for two threads.
  Result<std::unique_ptr<Session>> fork(uint64_t seed) const;
  // The state without caches, for another session of the same parts and options.
  Result<std::vector<std::byte>> save() const;
  Status restore(std::span<const std::byte> bytes);

  int32_t rows() const noexcept { return static_cast<int32_t>(sequences_.size()); }
  const Sequence &row(int32_t index) const noexcept { return sequences_[static_cast<size_t>(index)]; }
  // Moves settled tokens that weren't read yet to `out`; how many.
  size_t read(int32_t row, std::span<int32_t> out) noexcept;

  const SessionParts &parts() const noexcept { return parts_; }
  const SessionPlan &plan() const noexcept { return plan_; }
  int64_t length() const noexcept { return length_; }
  int64_t steps_total() const noexcept;
  int64_t steps_done() const noexcept { return steps_done_; }
  int64_t rows_computed() const noexcept { return rows_computed_; }
  int64_t calls_made() const noexcept { return calls_made_; }
  int64_t bytes() const noexcept;

 private:
  // A logit row that is wanted: whose, and where in the call.
  struct Request {
    int32_t row = 0;  // of the call
    int32_t sequence = 0;
    int32_t active = 0;
  };

  explicit Session(SessionParts parts);
  Status allocate(const Session *origin = nullptr);  // of a fork
  Result<std::unique_ptr<Forward>> forked_cache(const SessionPlan &plan) const;
  Status check_ready() const;
  Status check_not_begun(const char *what) const;
  Status check_token(int32_t token) const;
  Status add_begin_token(Sequence &sequence);
  Status bend(Sequence &sequence, const char *what);
  SavedSession capture() const;
  Status adopt(const SavedSession &saved);

  // window.cpp: where every position stands before a call.
  Status begin();
  void corrupt(Sequence &sequence);
  void prepare(Sequence &sequence);
  int64_t window_stop(const Sequence &sequence, int64_t call) const noexcept;
  int64_t next_drop(const Sequence &sequence, int64_t call) const noexcept;
  void fill_window(Sequence &sequence, int64_t begin, int64_t stop, int64_t number) const noexcept;
  void list_window(Sequence &sequence, int64_t call, int64_t stop, bool keeps_waiting,
                   std::vector<ActivePosition> &active, std::vector<ShapingContext> &contexts,
                   std::span<const TokenCount> history) const;
  void collect_history(Sequence &sequence, int64_t settled, int64_t end, std::vector<TokenCount> &history);
  SamplerWindow window_of(Sequence &sequence, int32_t candidate) noexcept;

  // call.cpp: rows in, logits out.
  Status forget(Sequence &sequence);
  Status drop_slots(size_t index);
  Status prefill(size_t index, StepReport &report);
  Status call_model(StepReport &report);
  Status add_rows(std::span<const ActivePosition> active, std::span<const PlannedRow> rows, size_t slot_sequence);
  void plan_companion(Sequence &sequence, Companion &companion, int64_t settled,
                      std::span<const ActivePosition> active);
  Status run_requests(StepReport &report);
  bool needs_refresh(const Sequence &sequence) const noexcept;
  Status consume(int32_t first, int32_t count, float *logits) override;
  void combine(int32_t count, float *logits);
  Status call_hook(int32_t first, int32_t count, float *logits);

  // preview.cpp: the call after it, for every candidate.
  bool previews() const noexcept { return options_.preview && options_.candidates > 1; }
  Status preview(StepReport &report);
  Status preview_rows(size_t index, int32_t candidate);
  const ActivePosition &active_of(const Request &request) const noexcept;
  const SamplerPosition &position_of(const Request &request) const noexcept;
  int32_t runs() const noexcept;  // of the model for every window in this call

  // step.cpp: what becomes of it.
  struct Progress {
    int64_t call = 0;     // index into the hyperschedule
    int64_t settled = 0;  // the frontier
    bool last = false;    // everything is settled
  };
  Progress progress(const Sequence &sequence, Verdict verdict) const noexcept;
  int64_t frozen_next(const Sequence &sequence, int64_t settled_next) const noexcept;
  void finish_candidates(Sequence &sequence);
  Result<int32_t> choose(Sequence &sequence);
  void settle(Sequence &sequence, StepReport &report);
  bool ends(int32_t token) const noexcept;
  int64_t early_end(const Sequence &sequence) const noexcept;

  int32_t condition_of(int32_t level) const noexcept;
  int32_t level_of_settled(std::span<const ActivePosition> active) const noexcept;
  Draws draws(const Sequence &sequence, int64_t position) const noexcept;
  Draws draws(const Sequence &sequence, int64_t number, int64_t position) const noexcept;
  size_t window_room() const noexcept { return static_cast<size_t>(plan_.max_active) + 1; }

  SessionParts parts_;
  HeadDescription head_;            // of the model's rows
  HeadDescription converted_head_;  // of rows whose scores were decoded for others to work on
  SessionOptions options_;
  SessionPlan plan_;
  int64_t length_ = 0;  // as the caller gave it
  uint64_t seed_ = 0;
  bool begun_ = false;
  int64_t steps_done_ = 0, rows_computed_ = 0, calls_made_ = 0;
  std::atomic<bool> cancel_{false};
  LogitTap tap_;
  LogitHook logit_hook_;
  ValueHook value_hook_;

  std::vector<Sequence> sequences_;
  std::unique_ptr<Forward> forward_;
  std::vector<Request> requests_;
  std::vector<int32_t> logit_rows_;
  std::vector<Workspace> workspaces_;
  std::vector<double> values_;  // [candidates]
  int32_t previewed_ = -1;      // the candidate whose next call this is; -1: the step's own call
  std::atomic<bool> not_finite_{false};
  double difference_ = -1;
};

}  // namespace temper
