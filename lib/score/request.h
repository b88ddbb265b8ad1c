// SPDX-License-Identifier: Apache-2.0
// A score from what a caller asks for to what a caller is told: open choices become the model's defaults, begin
// tokens are put where a model needs them, the model is walked, and the number gets its definition in words.
#pragma once

#include "model/model.h"
#include "score/score.h"

#include <memory>
#include <string>

namespace temper {

struct ScoreRequest {
  const Hyperschedule *schedule = nullptr;  // null: what the model was trained with
  const NoiseParameters *noise = nullptr;   // null: the path the model was trained on
  int64_t samples = 0;                      // as in ScoreTask
  int32_t replicates = 0;                   // 0: default_replicates
  uint64_t seed = 0;
  int32_t batch = 0;                        // documents side by side; 0: default_batch
  bool cache = true;
};

// A request with nothing left open.
struct ScoreSetup {
  ScoreTask task;
  int32_t batch = 1;
  bool cache = true;
  bool whole = false;  // autoregression in one pass (source.h)
};

struct ScoreReport {
  ScoreTotals totals;
  int64_t model_calls = 0;
  int64_t rows_computed = 0;
  std::string definition;
};

// Refuses a noise path that can't have the schedule's levels. The numbers must be in the bounds of score.h.
Result<ScoreSetup> resolve_score(const Spec &spec, const ScoreRequest &request);

// `documents` are the caller's, without begin tokens of ours; `scores` has one entry for each, and `terms` that
// have the size of their document's tokens are filled.
Result<ScoreReport> score_model(const std::shared_ptr<const Model> &model, ScoreSetup setup,
                                std::span<const ScoreDocument> documents, std::span<DocumentScore> scores,
                                const ScoreProgress &progress);

// Bytes of a score of documents of at most `longest` tokens, begin token included, without the model.
Result<int64_t> score_bytes(const Model &model, ScoreSetup setup, int64_t longest);

}  // namespace temper
