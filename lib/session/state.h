// SPDX-License-Identifier: Apache-2.0
// All that a sequence is between steps, without its caches: what is saved, restored and taken over by a fork.
// Positions are absolute, the prompt included.
#pragma once

#include "sampler/sampler.h"
#include "session/levels.h"

#include <temper/session.h>

#include <cstdint>
#include <vector>

namespace temper {

// How a token came about.
struct TokenRecord {
  int32_t set = -1;      // model call of the sequence that gave it its present value; -1: the caller did
  int32_t settled = -1;  // model call after which it was final; -1: not yet, or the caller gave it
  int32_t changes = 0;   // how often it changed, its first value included
  float probability = 0; // of its value under the prediction it was drawn from; 0: it wasn't drawn from one
};

// Tokens that a position may take; of the list `allowed_ids`.
struct AllowedTokens {
  int64_t position = 0;
  uint64_t first = 0, count = 0;
};

// Where a sequence stands, in numbers. Written to bytes as it lies in memory.
struct Standing {
  int64_t prompt = 0;          // settled positions given by the caller
  int64_t length = 0;          // generated positions; -1: unbounded
  int64_t call = 0;            // index into the hyperschedule
  int64_t held = 0;            // calls that stayed at their index; call + held counts the draws
  int64_t first_token = 0;     // position of tokens[0]; only an unbounded sequence forgets
  int64_t settled = 0;         // frontier after the last step
  int64_t settled_before = 0;  // and before it
  int64_t materialized = 0;    // positions below have had a token
  int64_t window_end = 0;
  int64_t emitted = 0;         // positions below were read by the caller
  int64_t changed = 0;         // positions the last step changed
  int64_t calls_done = 0;
  uint32_t id = 0;             // keys the random draws
  int32_t finished = TEMPER_ROW_RUNNING;
  int32_t corrupt_draft = 1;   // 1: a draft is noised to its levels before the first call
  int32_t has_unconditional = 0;  // 1: the caller gave the prompt of the run without the prompt

  bool running() const noexcept { return finished == TEMPER_ROW_RUNNING; }
};

struct SequenceState : Standing {
  WindowMemory window_memory;
  LevelWishes wishes;
  std::vector<AllowedTokens> allowed;  // ascending positions
  std::vector<int32_t> allowed_ids;
  std::vector<int32_t> unconditional;  // guidance: in place of the prompt; none: the prompt with every token masked
  // Of positions first_token, first_token + 1, ...
  std::vector<int32_t> tokens;
  std::vector<TokenRecord> records;
  std::vector<PositionMemory> memories;

  int32_t &token(int64_t position) { return tokens[index_of(position)]; }
  int32_t token(int64_t position) const { return tokens[index_of(position)]; }
  TokenRecord &record(int64_t position) { return records[index_of(position)]; }
  PositionMemory &memory(int64_t position) { return memories[index_of(position)]; }

 private:
  size_t index_of(int64_t position) const noexcept { return static_cast<size_t>(position - first_token); }
};

// The parts of a state in the order in which they are written; stops at the first that `visit` refuses.
template <typename State, typename Visit>
bool each_part(State &state, Visit visit) {
  auto &standing = static_cast<std::conditional_t<std::is_const_v<State>, const Standing, Standing> &>(state);
  return visit(standing) && visit(state.window_memory) && visit(state.wishes.starts) && visit(state.wishes.weights) &&
         visit(state.allowed) && visit(state.allowed_ids) && visit(state.unconditional) && visit(state.tokens) &&
         visit(state.records) && visit(state.memories);
}

}  // namespace temper
