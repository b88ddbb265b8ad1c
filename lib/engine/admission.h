// SPDX-License-Identifier: Apache-2.0
// What a model can follow, and how many rows that takes: said once for sessions and scores.
#pragma once

#include "engine/rows.h"
#include "noise/noise.h"
#include "schedule/hyperschedule.h"

namespace temper {

Rules rules_of(const Spec &spec, bool cache, int64_t look_back) noexcept;

// Models that attend in both directions everywhere are shown whole canvases: undecided positions behind the window, too.
bool wants_canvas(const Spec &spec) noexcept;

// Rows of one sequence in an ordinary call: what settled in the last step, the window, a block that isn't whole yet, and
// the row that a shifted model reads from. `length`: of the sequence, -1 when unbounded. `whole`: nothing can be read
// ahead, all positions may be in one call.
int64_t row_budget(const Rules &rules, int64_t max_active, int64_t length, bool whole) noexcept;

// Conditioning values that a session or score needs: one per level, or one.
int32_t condition_count(const Spec &spec, int32_t levels) noexcept;

// A model that attends to the past only can't follow a window.
Status check_window(const Spec &spec, int32_t levels, int64_t max_active);
// `shown`: undecided positions become rows.
Status check_mask(const Spec &spec, const Noise &noise, bool shown);

// What stands before the first token of a shifted model: its begin token, or its end token; -1: it has neither.
int32_t begin_token(const Spec &spec) noexcept;

}  // namespace temper
