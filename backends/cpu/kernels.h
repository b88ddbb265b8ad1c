// SPDX-License-Identifier: Apache-2.0
// Vector kernels, compiled for several instruction sets; a device chooses one when it is opened. Every kernel
// gives a row the same bits whatever other rows it is called with.
#pragma once

#include "backends/backend.h"
#include "backends/cpu/instruction_set.h"

#include <cstddef>
#include <cstdint>

namespace temper::cpu {

// Packed weights lie in panels of this many outputs (formats/).
inline constexpr int64_t panel_width = 16;
// Inputs summed before the next panel takes its turn, so that a part of a panel stays in L1.
inline constexpr int64_t input_block = 256;

// Queries of one tile of attention.
inline constexpr int32_t tile_queries = 16;

// What follows the sums. Columns count from the first output of the call.
struct Finish {
  const float *bias = nullptr;  // in packed order, padded to whole panels; or nullptr
  int32_t activation = TEMPER_ACTIVATION_NONE;
  const float *gate = nullptr;  // of this row, or nullptr
  const float *residual = nullptr;
};

// What one query attends to: slots [begin, end), never empty, and a slot of its own beside them unless that is
// -1. Queries of one tile have ranges that overlap for the most part. scores[j] belongs to slot j; the score of
// the own slot stands before the others when its slot does, else behind them.
struct Query {
  const float *query;
  float *out;
  float *scores;
  int32_t begin, end;
  int32_t own = -1;

  int32_t own_score() const { return own < begin ? begin - 1 : end; }
  int32_t first_score() const { return own >= 0 && own < begin ? begin - 1 : begin; }
  int32_t stop_score() const { return own > end ? end + 1 : end; }
};

// Keys and values of one head: page p holds slots [p*slots, (p+1)*slots), rows of the head's size.
struct KeyPages {
  float *const *pages;
  size_t keys_at, values_at;  // in every page
  int64_t slots;

  const float *key(int64_t slot, int64_t size) const { return pages[slot / slots] + keys_at + slot % slots * size; }
  const float *value(int64_t slot, int64_t size) const { return pages[slot / slots] + values_at + slot % slots * size; }
  // Where the page of `begin` ends, or `end` before that.
  int64_t stop(int64_t begin, int64_t end) const {
    const int64_t page_end = (begin / slots + 1) * slots;
    return page_end < end ? page_end : end;
  }
};

struct Kernels {
  InstructionSet set = InstructionSet::baseline;
  // One row: `columns` outputs from packed sums (SWIGLU: panels alternate gate, up).
  void (*finish)(const Finish &finish, const float *sums, float *out, int64_t columns) = nullptr;
  void (*norm)(const temper_norm &norm, const float *in, float *out, const float *shift, const float *scale) = nullptr;
  // Norm and rotation of one head; cosines nullptr: none, weight nullptr: none.
  void (*head)(float *head, int32_t size, const float *weight, float epsilon, const float *cosines,
               const float *sines) = nullptr;
  // Softmax attention of at most tile_queries queries over keys and values of one head.
  void (*attend)(const Query *queries, int32_t count, const KeyPages &keys, int32_t size, float scale) = nullptr;
};

// The set must be one that this processor has.
Kernels kernels_of(InstructionSet set) noexcept;

}  // namespace temper::cpu
