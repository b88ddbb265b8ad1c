// SPDX-License-Identifier: Apache-2.0
// One row of a session: its tokens and how far they have come. Positions are absolute, prompt included.
#pragma once

#include "sampler/sampler.h"
#include "session/rows.h"

#include <temper/session.h>

#include <cstdint>
#include <vector>

namespace temper {

struct Sequence {
  uint32_t id = 0;       // keys the random draws
  int64_t prompt = 0;    // settled positions given by the caller
  int64_t length = 0;    // generated positions; -1: unbounded
  int64_t call = 0;      // index into the hyperschedule

  // Tokens of positions [first_token, first_token + tokens.size()); only an unbounded row forgets.
  std::vector<int32_t> tokens;
  int64_t first_token = 0;

  int64_t frozen = 0;         // in the cache for good
  int64_t slot_base = 0;      // position of slot 0
  int64_t settled = 0;        // frontier after the last step
  int64_t settled_before = 0; // and before it
  int64_t materialized = 0;   // positions below have had a token
  int64_t window_end = 0;
  int64_t emitted = 0;        // positions below were read by the caller
  int64_t changed = 0;        // positions the last step changed
  int64_t calls_done = 0;
  int32_t finished = TEMPER_ROW_RUNNING;

  // Work space of one step.
  std::vector<ActivePosition> active;
  std::vector<Transition> transitions;      // of active[i], from its level to the next
  std::vector<SamplerPosition> positions;   // active[i] as the sampler sees it
  std::vector<Proposal> proposals;
  RowPlan plan;
  Frontier frontier;       // at this step's call
  int32_t first_row = 0;   // of its rows in the call
  int64_t next_settled = 0;

  int32_t &token(int64_t position) { return tokens[static_cast<std::size_t>(position - first_token)]; }
  int32_t token(int64_t position) const { return tokens[static_cast<std::size_t>(position - first_token)]; }
};

}  // namespace temper
