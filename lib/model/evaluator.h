// SPDX-License-Identifier: Apache-2.0
// Runs a model on rows that the caller describes, keeping keys and values by slot: what verification and
// scoring need, on the same Forward that a session uses.
#pragma once

#include "model/forward.h"

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

  std::unique_ptr<Forward> forward_;
  std::vector<int32_t> kept_, used_;  // slots per sequence: kept for good, kept and of this call
  std::vector<double> conditions_;
  std::vector<int32_t> logit_rows_;
};

}  // namespace temper
