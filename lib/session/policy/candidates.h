// SPDX-License-Identifier: Apache-2.0
// Guidance by value (SVDD): several windows are drawn from one call, and the caller's values decide which one stays.
#pragma once

#include "base/status.h"
#include "sampler/sampler.h"

#include <cstdint>
#include <vector>

namespace temper {

struct Frame;
struct Sequence;

// Of the M windows of a step; empty with one.
struct Candidates {
  std::vector<PositionMemory> memories;  // that a candidate writes, M windows one after another
  std::vector<WindowMemory> windows;
  std::vector<Verdict> verdicts;
  std::vector<int32_t> shown;  // [M][width]: as the caller sees them
  std::vector<double> values;  // [M]
  int32_t chosen = 0;          // the one that becomes the window

  void reserve(size_t candidates, size_t window);
};

// Each candidate as the step would leave it.
void finish_candidates(const Frame &frame, Sequence &sequence);

// Asks the caller for values and draws one; candidate 0 when there is no choice. `row`: of the session.
Status choose_candidate(const Frame &frame, Sequence &sequence, int32_t row);

}  // namespace temper
