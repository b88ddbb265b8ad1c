// SPDX-License-Identifier: Apache-2.0
// Which rows one call of the model needs for one sequence, and what each of them sees. The paper's
// attention masks and the freeze rule (MATH 3.5, 3.6) are here and nowhere else; pure arithmetic on
// positions, no model, no memory of its own.
#pragma once

#include "model/spec.h"

#include <cstdint>
#include <span>
#include <vector>

namespace temper {

struct Rules {
  Context context = Context::causal;
  Window window = Window::full;
  int64_t block = 1;       // of block rules
  bool shifted = false;    // row i-1 predicts position i
  bool noise_keys = true;  // inputs at level T are attended to
  bool cache = true;
  int64_t look_back = 0;   // a row at p sees positions > p - look_back; 0: all
};

// A position of the window: between the settled ones and the worthless ones.
struct ActivePosition {
  int64_t position = 0;
  int32_t token = 0;
  int32_t level = 0;       // now
  int32_t next_level = 0;  // after the call
  bool pure_noise = false; // level is T
  bool wants_logits = false;
  bool cached = false;     // its slot holds a key of an earlier call: no row is computed
};

struct PlannedRow {
  int64_t position = 0;
  int32_t token = 0;
  int32_t level = 0;  // 0 for settled rows: their conditioning never changes (MATH 3.5)
  int32_t slot = 0;
  int32_t visible_begin = 0;
  int32_t visible_end = 0;
};

// Where a sequence stands before a call. Positions are absolute, slots count from slot_base.
struct Frontier {
  int64_t frozen = 0;     // rows below are in the cache for good
  int64_t settled = 0;    // n_k
  int64_t slot_base = 0;  // position of slot 0
};

class RowPlan {
 public:
  // Room for this many rows and active positions; build() then never allocates.
  void reserve(int64_t rows);

  // `tokens[p - first_token]` is the token of settled position p. Rows come in slot order.
  void build(const Rules &rules, const Frontier &frontier, std::span<const int32_t> tokens, int64_t first_token,
             std::span<const ActivePosition> active);

  std::span<const PlannedRow> rows() const noexcept { return rows_; }
  // Index into rows() of the row whose logits predict active[i]; -1 when it wants none.
  std::span<const int32_t> logit_row() const noexcept { return logit_row_; }
  // Rows of newly settled tokens come first; this many.
  int64_t settled_rows() const noexcept { return settled_rows_; }
  // True when the last settled row attends to active ones.
  bool last_settled_sees_window() const noexcept { return last_sees_window_; }

 private:
  std::vector<PlannedRow> rows_;
  std::vector<int32_t> logit_row_;
  std::vector<int32_t> row_of_;  // of each active position; -1: none
  std::vector<int64_t> keys_;    // positions of the window that are attended to
  int64_t settled_rows_ = 0;
  bool last_sees_window_ = false;
};

// Settled rows of a block see all of it, and are frozen with it.
bool sees_blocks(const Rules &rules) noexcept;

// Rows of settled tokens that may be computed ahead of a call, without any window: [frozen, result).
int64_t prefill_end(const Rules &rules, const Frontier &frontier);

// The first position that is not frozen after a call over `frontier`, when the frontier moves to
// `settled_next`: computed with its final token, and everything it sees is settled.
int64_t frozen_after(const Rules &rules, const Frontier &frontier, bool last_saw_window, int64_t settled_next);

// A planned prefill row for position p.
PlannedRow prefill_row(const Rules &rules, const Frontier &frontier, int64_t position, int32_t token);

}  // namespace temper
