// SPDX-License-Identifier: Apache-2.0
// A second run of the model over the same window, beside the first: with another prompt (classifier-free guidance), or
// without approximations (to measure them). Its rows are rows of the same call, in a lane of their own.
#pragma once

#include "engine/rows.h"

#include <cstdint>
#include <span>
#include <vector>

namespace temper {

struct Frame;
struct Sequence;

struct Companion {
  std::vector<int32_t> tokens;  // its prompt, then the sequence's generated tokens
  int64_t offset = 0;           // its position of a token minus the sequence's
  int64_t frozen = 0;
  std::vector<ActivePosition> active;
  RowPlan plan;
  Frontier frontier;
  int32_t first_row = 0;

  void reserve(size_t positions, size_t window, int32_t rows);
};

// Its rows over `active`, the window of the sequence when `settled` of its positions are.
void plan_companion(const Frame &frame, const Sequence &sequence, int64_t settled,
                    std::span<const ActivePosition> active, Companion &companion);

// What of it is frozen when the sequence's frontier moves to `settled_next`.
int64_t companion_frozen(const Frame &frame, const Companion &companion, int64_t settled_next) noexcept;

// Pairs of rows [2][columns], the second run's first. Guided: the first run's row becomes u + (scale + 1)(c - u).
void guide_pair(double guidance, std::span<const float> other, std::span<float> row) noexcept;
// Measured: their largest difference.
double pair_difference(std::span<const float> other, std::span<const float> row) noexcept;

}  // namespace temper
