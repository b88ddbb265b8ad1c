// SPDX-License-Identifier: Apache-2.0
// After a call: what of a window is final, what is frozen, whether the sequence goes on. Functions of a frame and a
// sequence; no model takes part.
#pragma once

#include "session/frame.h"

namespace temper {

// Where a verdict leads.
struct Progress {
  int64_t call = 0;     // index into the hyperschedule
  int64_t settled = 0;  // the frontier
  bool last = false;    // everything is settled
};
Progress progress(const Sequence &sequence, Verdict verdict) noexcept;

// Where the next call's rows begin when the frontier moves to `settled_next`.
int64_t frozen_next(const Frame &frame, const Sequence &sequence, int64_t settled_next) noexcept;

// The step's outcome, the chosen candidate's, becomes the sequence's state. `idle`: no row was computed.
void settle(const Frame &frame, Sequence &sequence, bool idle, StepReport &report);

}  // namespace temper
