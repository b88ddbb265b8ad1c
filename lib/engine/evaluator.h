// SPDX-License-Identifier: Apache-2.0
// Runs a model on rows that the caller describes, keeping keys and values by slot: what verification needs, through the
// calls that sessions make.
#pragma once

#include "engine/cache.h"
#include "engine/engine.h"
#include "engine/track.h"

#include <temper/experimental.h>

namespace temper {

class Evaluator {
 public:
  static Result<std::unique_ptr<Evaluator>> create(std::shared_ptr<const Model> model, int32_t sequences,
                                                   int32_t max_rows, int32_t slots);

  Status run(std::span<const temper_x_row> rows, float *logits, size_t capacity);
  Status keep(int32_t sequence, int32_t slots);

 private:
  Evaluator() = default;
  Status check(std::span<const temper_x_row> rows, size_t capacity);

  std::shared_ptr<Engine> engine_;
  Cache cache_;
  int32_t max_rows_ = 0;
  int64_t positions_ = 0;             // rows are at positions below
  std::vector<int32_t> kept_, used_;  // slots per sequence: kept for good, kept and of the last call
  std::vector<int32_t> counted_;      // the same of a call that isn't over
  std::vector<double> values_;        // conditioning values of the call's rows
};

}  // namespace temper
