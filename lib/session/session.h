// SPDX-License-Identifier: Apache-2.0
// Generations in progress: sequences that go through the model side by side. What one of them is: state.h; a step:
// step.h; what may be said before the first one: setup.h; saving and forking: snapshot.h.
#pragma once

#include "session/frame.h"
#include "session/setup.h"
#include "session/step.h"

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace temper {

// What it has done so far. Written to bytes as it lies in memory.
struct SessionCounts {
  uint64_t seed = 0;
  int64_t begun = 0;  // 1: the first step was made
  int64_t steps = 0, rows_computed = 0, calls = 0;
};

struct SessionFigures {
  int64_t steps_total = 0;  // of the longest sequence; -1: unbounded
  int64_t steps = 0, rows_computed = 0, calls = 0;
  int64_t bytes = 0;        // a fork doesn't count what it shares, a session on another's engine not the engine
};

class Session {
 public:
  // `engine`: shared with other sessions of the same model, on the same thread; none: one of its own.
  static Result<std::unique_ptr<Session>> create(SessionParts parts, int32_t rows, int64_t length, uint64_t seed,
                                                 std::shared_ptr<Engine> engine = nullptr);

  // Before the first step. What changes memory needs reallocates.
  Status set_options(const SessionOptions &options);
  Status set_value(ValueHook hook, int32_t candidates, bool preview);
  Setup setup(int32_t row) noexcept { return Setup(*this, row); }
  // The functions that may change between steps: logits and tap.
  SessionHooks &hooks() noexcept { return frame_.hooks; }

  Status step(StepReport &report);
  // Moves settled tokens that weren't read yet to `out`; how many.
  size_t read(int32_t row, std::span<int32_t> out) noexcept;
  // Back to empty sequences.
  void reset(uint64_t seed) noexcept;
  // From any thread.
  void cancel() noexcept { cancel_.store(true, std::memory_order_relaxed); }

  const Frame &frame() const noexcept { return frame_; }
  int32_t rows() const noexcept { return static_cast<int32_t>(sequences_.size()); }
  const Sequence &row(int32_t index) const noexcept { return sequences_[static_cast<size_t>(index)]; }
  SessionFigures figures() const noexcept;

 private:
  friend class Setup;
  friend class Snapshot;

  explicit Session(SessionParts parts);
  // An unbounded sequence can only be planned once its sliding context is known.
  bool can_be_planned() const noexcept { return frame_.length != 0 || frame_.options.look_back != 0; }
  static Status needs_context();
  // The plan for these options, in which all that was said has room; nothing changes.
  Result<SessionPlan> plan_for(const SessionOptions &options) const;
  // What a plan of the frame's options takes. `origin`: of a fork.
  Status allocate(const SessionPlan &plan, const Session *origin);
  bool ready() const noexcept { return cache_.has_value(); }
  // Takes the memory that couldn't be had when an option was set.
  Status make_ready();

  Frame frame_;
  std::vector<Sequence> sequences_;
  std::shared_ptr<Engine> engine_;
  bool own_engine_ = true;
  std::optional<Cache> cache_;
  LevelConditions conditions_;
  Requests requests_;
  SessionCounts counts_;
  std::atomic<bool> cancel_{false};
};

}  // namespace temper
