// SPDX-License-Identifier: Apache-2.0
// A session's state without its caches, and its form as bytes (saved.cpp). The bytes are for this machine and
// this version of the library; decoding trusts nothing in them but leaves ranges to the session that adopts.
#pragma once

#include "session/sequence.h"

#include <cstddef>
#include <span>
#include <vector>

namespace temper {

// What two sessions must have in common to go on with each other's state.
struct Fingerprint {
  int64_t rows = 0, length = 0, vocabulary = 0, columns = 0;
  int64_t schedule = 0, width = 0, levels = 0, path = 0, sampler = 0;
  uint64_t numbers = 0;  // a digest of levels and clocks, which kinds alone don't tell apart
  bool operator==(const Fingerprint &) const = default;
};

struct RowState {
  int64_t id = 0, finished = 0, corrupt_draft = 0, has_prompt = 0;
  int64_t prompt = 0, length = 0, call = 0, held = 0, first_token = 0;
  int64_t settled = 0, settled_before = 0, materialized = 0, window_end = 0, emitted = 0;
  int64_t changed = 0, calls_done = 0;
};

struct SavedRow {
  RowState state;
  WindowMemory window;
  std::vector<int32_t> starts;
  std::vector<float> weights;
  std::vector<AllowedTokens> allowed;
  std::vector<int32_t> allowed_ids, unconditional;
  std::vector<int32_t> tokens;  // from first_token on, as the next two
  std::vector<TokenRecord> records;
  std::vector<PositionMemory> memories;
};

struct SavedCounts {
  uint64_t seed = 0;
  int64_t begun = 0, single_positions = 0, steps_done = 0, rows_computed = 0, calls_made = 0;
};

struct SavedSession {
  Fingerprint fingerprint;
  SavedCounts counts;
  std::vector<SavedRow> rows;
};

std::vector<std::byte> encode(const SavedSession &session);
Result<SavedSession> decode(std::span<const std::byte> bytes);

}  // namespace temper
