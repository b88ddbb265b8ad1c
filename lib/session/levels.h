// SPDX-License-Identifier: Apache-2.0
// The levels of one row: its hyperschedule, bent by what the caller said about single positions. Fixed
// positions stand at level 0 from the start (infilling), positions of a draft below T (editing), and weighted
// ones fall faster (MATH 3.1, V5; arXiv 2407.10998 for the weights). Positions count from the first
// generated one, as in the hyperschedule.
#pragma once

#include "schedule/hyperschedule.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace temper {

// What the caller said about single positions.
struct LevelWishes {
  std::vector<int32_t> starts;  // the highest level of a position; T: ordinary
  std::vector<float> weights;   // of positions, the smallest is 1

  // All of them lie below.
  int64_t positions() const noexcept { return static_cast<int64_t>(std::max(starts.size(), weights.size())); }
  // `levels`: T, for positions in between.
  void set_start(int64_t position, int32_t level, int32_t levels);
  // Weights > 0 of positions 0, 1, ...; all equal is none.
  void set_weights(std::vector<float> given);
};

class RowLevels {
 public:
  // Nothing bent.
  void reset() noexcept { *this = RowLevels(); }
  // `length` generated positions (or Hyperschedule::unbounded); wishes beyond it are ignored, and stay where they are
  // while this is used. `skip` positions of the hyperschedule lie in the prompt: its blocks begin that much earlier.
  void begin(const Hyperschedule &schedule, int64_t length, int64_t skip, const LevelWishes &wishes) noexcept;

  int32_t level(int64_t step, int64_t position) const noexcept;
  int64_t settled_end(int64_t step) const noexcept;
  // Includes positions beyond the window that hold information already.
  int64_t active_end(int64_t step) const noexcept;
  // The end of the hyperschedule's own window.
  int64_t window_end(int64_t step) const noexcept;
  bool drops(int64_t step) const noexcept;
  int64_t steps() const noexcept { return steps_; }
  bool fixed(int64_t position) const noexcept;
  // In the window, but as noisy as at the start now and after the step: it takes no part yet.
  bool waits(int64_t step, int64_t position) const noexcept;
  // The next step after `step` in which a position takes part that didn't in `step`; steps() when there is none.
  int64_t next_arrival(int64_t step) const noexcept;

 private:
  bool bent() const noexcept { return !starts_.empty() || !weights_.empty(); }
  // The length as the hyperschedule counts it.
  int64_t scheduled() const noexcept { return length_ < 0 ? length_ : length_ + skip_; }

  const Hyperschedule *schedule_ = nullptr;
  int64_t length_ = 0;
  int64_t skip_ = 0;
  int64_t steps_ = 0;      // once: a caller's hyperschedule is searched for them
  int64_t known_end_ = 0;  // one past the last position that starts below T
  std::span<const int32_t> starts_;
  std::span<const float> weights_;
};

}  // namespace temper
