// SPDX-License-Identifier: Apache-2.0
// A model as a source of logits for scores, with the cache a session would have.
#pragma once

#include "engine/cache.h"
#include "engine/track.h"
#include "score/score.h"

#include <memory>

namespace temper {

struct ScorePlan {
  Rules rules;
  EnginePlan engine;
  CachePlan cache;
  int64_t row_budget = 0;  // rows of one document in one call
};

// Sizes for documents of at most `longest` positions, `lanes` side by side. `whole`: in one pass (see below).
Result<ScorePlan> plan_score(const Spec &spec, const Hyperschedule &schedule, int64_t longest,
                             int32_t lanes, bool cache, bool whole);

// Can the model take this hyperschedule on this path for a bound?
Status check_score(const Spec &spec, const ScoreTask &task, int64_t longest);

// Autoregression of a model whose rows see only what stands before the token that they predict: every token of a
// document comes out of one pass, without a call for each (MATH 5.5).
bool one_pass(const Spec &spec, const ScoreTask &task) noexcept;

class ModelSource final : public LogitSource, private LogitReader {
 public:
  static Result<std::unique_ptr<ModelSource>> create(std::shared_ptr<const Model> model, const ScoreTask &task,
                                                     const ScorePlan &plan);

  int32_t lanes() const noexcept override { return plan_.cache.lanes; }
  int32_t workers() const noexcept override { return engine_->threads().workers(); }
  void restart(int32_t lane) noexcept override { frozen_[static_cast<size_t>(lane)] = 0; }
  Status evaluate(std::span<Visit *const> visits, RowReader &reader) override;

  // Documents one after another in chunks of rows; needs one_pass().
  Result<ScoreTotals> run_whole(const ScoreTask &task, std::span<const ScoreDocument> documents,
                                std::span<DocumentScore> scores, const ScoreProgress &progress);

  int64_t model_calls() const noexcept { return model_calls_; }
  int64_t rows_computed() const noexcept { return rows_computed_; }

 private:
  struct Request {
    int32_t visit = 0, active = 0;
  };
  Track track(int32_t lane) const noexcept;
  void begin_call() noexcept;
  Status want(int32_t row, const Request &request);
  Status read_ahead(const Visit &visit);
  Status run();
  Status read(int32_t first, int32_t count, float *logits, const Threads &threads) override;

  std::shared_ptr<Engine> engine_;
  Cache cache_;
  LevelConditions conditions_;
  ScorePlan plan_;
  std::vector<int64_t> frozen_;
  std::vector<RowPlan> plans_;
  std::vector<Request> requests_;
  std::span<Visit *const> visits_;
  RowReader *reader_ = nullptr;
  int64_t model_calls_ = 0, rows_computed_ = 0;
};

}  // namespace temper
