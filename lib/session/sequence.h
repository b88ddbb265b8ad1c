// SPDX-License-Identifier: Apache-2.0
// One row of a session: its tokens and how far they have come. Positions are absolute, prompt included.
#pragma once

#include "sampler/sampler.h"
#include "session/levels.h"
#include "session/rows.h"

#include <temper/session.h>

#include <cstdint>
#include <vector>

namespace temper {

// How a token came about.
struct TokenRecord {
  int32_t set = -1;      // model call of the row that gave it its present value; -1: the caller did
  int32_t settled = -1;  // model call after which it was final; -1: not yet
  int32_t changes = 0;   // how often it changed, its first value included
  float probability = 0; // of its value under the prediction it was drawn from; 0: it wasn't drawn from one
};

// Tokens that a position may take; of the list `allowed_ids`.
struct AllowedTokens {
  int64_t position = 0;
  size_t first = 0, count = 0;
};

// A second run of the model over the same window, beside the first: with another prompt (guidance), or
// without approximations (to measure them).
struct Companion {
  std::vector<int32_t> prompt;  // guidance: in place of the row's; empty: the row's with every token masked
  bool has_prompt = false;
  std::vector<int32_t> tokens;  // its prompt, then the row's generated tokens
  int64_t offset = 0;           // its position of a token minus the row's
  int64_t frozen = 0;
  std::vector<ActivePosition> active;
  RowPlan plan;
  Frontier frontier;
  int32_t first_row = 0;

  void reserve(size_t positions, size_t window, int32_t rows);
};

// Guidance by value: a candidate's next call, made to see what the model would predict then.
struct Preview {
  std::vector<int32_t> tokens;  // what stands in the window meanwhile, to be put back
  std::vector<ActivePosition> active;
  std::vector<Transition> transitions;     // of active[i], from its level to the clean token
  std::vector<ShapingContext> contexts;
  std::vector<SamplerPosition> positions;
  std::vector<TokenCount> history;
  RowPlan plan;
  Frontier frontier;
  int64_t window_end = 0;  // positions below have a token in it
  int32_t first_row = 0;
  Companion companion;

  void reserve(size_t positions, size_t window, int32_t rows);
};

struct Sequence {
  uint32_t id = 0;       // keys the random draws
  int64_t prompt = 0;    // settled positions given by the caller
  int64_t length = 0;    // generated positions; -1: unbounded
  int64_t call = 0;      // index into the hyperschedule
  int64_t held = 0;      // calls that stayed at their index; call + held counts the draws

  // What the caller said of single positions.
  RowLevels levels;
  bool corrupt_draft = true;             // a draft is noised to its levels before the first call
  std::vector<AllowedTokens> allowed;    // ascending positions
  std::vector<int32_t> allowed_ids;

  // Tokens of positions [first_token, first_token + tokens.size()); only an unbounded row forgets.
  std::vector<int32_t> tokens;
  std::vector<TokenRecord> records;      // beside the tokens
  std::vector<PositionMemory> memories;  // beside the tokens
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
  int64_t stale_calls = 0;    // calls since an approximate cache was computed as a whole
  int64_t refreshed_at = -1;  // the frontier then
  int32_t finished = TEMPER_ROW_RUNNING;
  WindowMemory window;

  // Work space of one step. With M candidates the last three hold M windows one after another.
  std::vector<ActivePosition> active;
  std::vector<Transition> transitions;      // of active[i], from its level to the next
  std::vector<ShapingContext> contexts;     // of active[i]
  std::vector<SamplerPosition> positions;   // active[i] as the sampler sees it
  std::vector<Proposal> proposals;
  std::vector<PositionMemory> scratch;      // memory that a candidate writes
  std::vector<WindowMemory> windows;        // and of its window
  std::vector<Verdict> verdicts;
  int32_t chosen = 0;                       // the candidate that becomes the window
  std::vector<int32_t> shown;               // guidance by value: each candidate as the caller sees it
  std::vector<int32_t> sorted;              // visible tokens, for `history`
  std::vector<TokenCount> history;
  RowPlan plan;
  Frontier frontier;       // at this step's call
  int32_t first_row = 0;   // of its rows in the call
  Companion companion;
  Preview preview;

  int32_t &token(int64_t position) { return tokens[static_cast<size_t>(position - first_token)]; }
  int32_t token(int64_t position) const { return tokens[static_cast<size_t>(position - first_token)]; }
  TokenRecord &record(int64_t position) { return records[static_cast<size_t>(position - first_token)]; }
  PositionMemory &memory(int64_t position) { return memories[static_cast<size_t>(position - first_token)]; }

  // Back to an empty row; memory and id stay.
  void clear() noexcept;
};

}  // namespace temper
