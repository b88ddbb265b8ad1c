// SPDX-License-Identifier: Apache-2.0
// A hyperschedule says how noisy every position is before every call of the model (MATH 3): an integer
// level per (step, position), T = pure noise, 0 = settled. Levels only go down, and end at 0.
// Positions count from the first generated one; a prompt stands in front, outside.
// Immutable and shareable. Queries are noexcept and allocate nothing.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace temper {

enum class ScheduleKind : int32_t {
  quench = 0,          // one position after the other: autoregression
  flat = 1,            // all positions together, T steps
  block = 2,           // blocks of w positions, T steps each
  slide = 3,           // a window of w positions that moves on w/T positions a step
  slide_jump = 4,      // the same without the ramp of T - 1 steps at the begin
  hybrid = 5,          // blocks whose positions start one step after the other
  slide_official = 6,  // the levels of the published slide (rounding half to even)
  table = 7,
  callback = 8
};

class Hyperschedule {
 public:
  // Level of `position` before call `step`; called with step 0..K, position 0..length-1. Must always
  // answer the same for the same arguments.
  using LevelFunction = int32_t (*)(void *user, int64_t step, int64_t position);

  static constexpr int64_t unbounded = -1;                      // as a length: a stream
  static constexpr int64_t max_length = int64_t{1} << 31;   // positions of one sequence
  static constexpr int64_t max_width = max_length;
  static constexpr int32_t max_levels = 1 << 20;
  static constexpr int64_t max_steps = int64_t{1} << 24;    // what the draws can count

  static Result<Hyperschedule> quench();
  static Result<Hyperschedule> flat(int32_t levels);
  static Result<Hyperschedule> block(int64_t width, int32_t levels);
  static Result<Hyperschedule> slide(int64_t width, int32_t levels);
  static Result<Hyperschedule> slide_jump(int64_t width, int32_t levels);
  static Result<Hyperschedule> hybrid(int64_t width, int32_t levels);
  static Result<Hyperschedule> slide_official(int64_t width, int32_t levels);
  // `kind` is one of the seven above; what a kind doesn't use (width, levels) is ignored.
  static Result<Hyperschedule> create(ScheduleKind kind, int64_t width, int32_t levels);
  // Row-major levels [steps + 1][positions], checked (V1-V3). Steps that lower nothing are legal and
  // reported by drops(). `levels` is T, the level that means pure noise.
  static Result<Hyperschedule> table(const int32_t *values, int64_t steps, int64_t positions,
                                     int32_t levels);
  // Checked by validate(length), which must succeed before the other queries mean anything.
  static Result<Hyperschedule> callback(LevelFunction function, void *user, int32_t levels);

  ScheduleKind kind() const noexcept { return kind_; }
  int64_t width() const noexcept { return width_; }    // 0 where the kind has none
  int32_t levels() const noexcept { return levels_; }  // T
  // A table's levels, as they were given; of another kind none.
  std::span<const int32_t> cells() const noexcept {
    return table_ == nullptr ? std::span<const int32_t>() : std::span<const int32_t>(table_->values);
  }

  // quench, block, slide, slide_jump, slide_official, hybrid: any number of positions one after another.
  bool can_stream() const noexcept;

  // Can `length` positions (or unbounded) be generated? Checks the range, the number of steps and, for a
  // callback, every level up to there (V1-V3); the message names the step and the position at fault.
  Status validate(int64_t length) const;

  // K, the calls needed to settle `length` positions. unbounded when there is no end: length is
  // unbounded, a table is too short, or a callback settles them in no max_steps steps.
  int64_t steps(int64_t length) const noexcept;

  // tau: level before call `step` (step == K: after the last one). Beyond the end: 0.
  int32_t level(int64_t step, int64_t position) const noexcept;

  // n_k: first position that isn't settled before call `step`; `length` when all are.
  int64_t settled_end(int64_t step, int64_t length) const noexcept;

  // One past the last position that isn't worthless in call `step`: its level is below T before or after
  // the call. Never less than settled_end. Between the two, positions with level T before and after the
  // call are still worthless (only tables and callbacks, and the repeated rows of slide_official).
  int64_t active_end(int64_t step, int64_t length) const noexcept;

  // Does call `step` lower any level of the first `length` positions? False: the call is useless.
  bool drops(int64_t step, int64_t length) const noexcept;

  // An upper bound of active_end - settled_end over all steps, for buffers. unbounded: no bound.
  int64_t max_active(int64_t length) const noexcept;

  // Such as "slide(16, 8)".
  std::string describe() const;

 private:
  struct Table {
    std::vector<int32_t> values;         // [steps + 1][positions]
    std::vector<int64_t> settled_after;  // per position: first step with level 0 there and before it
    int64_t steps = 0, positions = 0;
  };

  Hyperschedule(ScheduleKind kind, int64_t width, int32_t levels) noexcept
      : kind_(kind), width_(width), levels_(levels) {}

  int64_t settled_count(int64_t step) const noexcept;    // of an unbounded stream
  int64_t unsettling_end(int64_t step) const noexcept;   // positions with level < T at `step` >= 1
  int32_t official_row(int64_t index) const noexcept;    // steady-state window, value 0..T-1
  int64_t search_callback_steps(int64_t length) const noexcept;
  bool all_settled(int64_t step, int64_t length) const noexcept;

  ScheduleKind kind_;
  int64_t width_;
  int32_t levels_;
  int64_t advance_ = 0;   // slide_official: positions that settle per step
  int64_t below_top_ = 0; // slide_official: entries of the window below pure noise
  std::shared_ptr<const Table> table_;
  LevelFunction function_ = nullptr;
  void *user_ = nullptr;
};

}  // namespace temper
