// SPDX-License-Identifier: Apache-2.0
// The bound of whole documents (MATH 5.1, 5.5): a walk over the calls of a hyperschedule as a session makes
// them, with the truth in place of what the session would have drawn. At a call the settled positions are
// clean, the active ones are noised to their levels, and every position whose level drops adds its term.
//
// Estimator: of the K calls of a document each replicate visits n, call floor((u + j) K / n) for j = 0..n-1
// with one u, weight K / n; with n = K all of them, weight 1. Replicates have their own u and their own noise,
// so each is an unbiased estimate by itself, and their spread is the standard error (spread.h): call by call where
// all calls are visited, whose noises are independent, else document by document, as a replicate's calls share u.
// They share the cache: a document's visits are made in the order of the calls.
#pragma once

#include "noise/noise.h"
#include "sampler/head.h"
#include "schedule/hyperschedule.h"
#include "score/spread.h"
#include "score/terms.h"
#include "engine/rows.h"

#include <cstdint>
#include <span>
#include <vector>

namespace temper {

constexpr int32_t default_replicates = 2;

struct ScoreTask {
  Hyperschedule schedule;
  Noise noise;
  HeadDescription head;
  bool shifted = false;     // of the model
  bool canvas = false;      // positions behind the window are shown as pure noise
  int64_t samples = 0;      // calls per replicate; 0: all
  int32_t replicates = 1;
  uint64_t seed = 0;
};

struct ScoreDocument {
  std::span<const int32_t> tokens;  // real tokens only
  int64_t prefix = 0;               // conditioning: clean from the start, not scored
  uint32_t id = 0;                  // keys the random draws
  bool begun = false;               // tokens[0] is a begin token of ours, part of the prefix
};

struct DocumentScore {
  int64_t scored = 0;         // positions that count
  double nats = 0;            // the bound, the prior's part included
  std::vector<double> terms;  // per token; 0 in the prefix; without the prior's part
  Spread spread;              // of `nats` as an estimate
};

struct ScoreTotals {
  int64_t scored = 0;
  double nats = 0, prior = 0;
  Spread spread;           // of `nats`, the documents' together
  bool exact = false;      // no draw has played a part
  int32_t replicates = 0;  // made; 1 when exact
};

// One call of one document.
struct Visit {
  int32_t lane = 0;
  const ScoreDocument *document = nullptr;
  int64_t settled = 0;       // the frontier at this call
  int64_t settled_next = 0;  // and at the lane's next visit
  std::vector<ActivePosition> active;
  std::vector<Transition> steps;  // of active[i]
  std::vector<double> terms;      // of active[i], filled by the reader
};

// What is done with a row of logits; may be called from several threads, each with its own worker number.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual void read(Visit &visit, size_t active, std::span<const float> row, int32_t worker) noexcept = 0;
};

// Where logits come from: a model with its cache (source.h), or whatever a test takes for one.
class LogitSource {
 public:
  virtual ~LogitSource() = default;
  virtual int32_t lanes() const noexcept = 0;    // documents side by side
  virtual int32_t workers() const noexcept = 0;
  virtual void restart(int32_t lane) noexcept = 0;  // a new document: nothing is cached
  // One call for each visit; every active position that wants logits is read once.
  virtual Status evaluate(std::span<Visit *const> visits, RowReader &reader) = 0;
};

struct ScoreProgress {
  temper_progress_fn function = nullptr;
  void *user = nullptr;
  Status tell(int64_t done, int64_t total) const;
};

// Is every document such that the bound means something? The message says which is not.
Status check_documents(const ScoreTask &task, std::span<const ScoreDocument> documents, int64_t max_length);

// `scores` has one entry for each document; `terms` of those that have been given their size are filled.
Result<ScoreTotals> score_documents(const ScoreTask &task, std::span<const ScoreDocument> documents,
                                    std::span<DocumentScore> scores, LogitSource &source,
                                    const ScoreProgress &progress);

// The calls that lower a level of `length` positions: the others have no term.
std::vector<int64_t> useful_calls(const Hyperschedule &schedule, int64_t length);

// No draw can matter: one level, from a mask that is certain, and every call is visited.
bool is_exact(const ScoreTask &task) noexcept;

}  // namespace temper
