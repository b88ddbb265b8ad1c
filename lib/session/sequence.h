// SPDX-License-Identifier: Apache-2.0
// One sequence of a session: its state, its place in the cache, and the work space of a step.
#pragma once

#include "engine/rows.h"
#include "session/policy/approximate.h"
#include "session/policy/candidates.h"
#include "session/policy/companion.h"
#include "session/state.h"

#include <vector>

namespace temper {

// The window of a call: made before it, read after it.
struct CallWindow {
  std::vector<ActivePosition> active;
  std::vector<Transition> transitions;     // of active[i]
  std::vector<ShapingContext> contexts;    // of active[i]
  std::vector<SamplerPosition> positions;  // active[i] as the sampler sees it; of M candidates one after another
  std::vector<TokenCount> history;         // visible tokens, for penalties
  RowPlan plan;
  Frontier frontier;      // at this call
  int32_t first_row = 0;  // of its rows in the call
  int64_t end = 0;        // positions below have a token in it

  void reserve(size_t room, size_t positions_room, size_t history_room, int32_t rows);
};

// Guidance by value: a candidate's next call, made to see what the model would predict then.
struct Preview {
  std::vector<int32_t> tokens;  // what stands in the window meanwhile, to be put back
  CallWindow window;                // transitions go from a position's level to the clean token
  Companion companion;
};

struct Sequence : SequenceState {
  RowLevels levels;

  // In the cache.
  int64_t frozen = 0;     // positions below are in it for good
  int64_t slot_base = 0;  // position of slot 0
  Staleness staleness;

  // Of one step.
  CallWindow window;
  std::vector<Proposal> proposals;  // of window.positions
  std::vector<int32_t> sorted;      // visible tokens, for histories
  Candidates candidates;
  Companion companion;
  Preview preview;

  // Back to an empty sequence; memory and id stay.
  void clear() noexcept;
};

}  // namespace temper
