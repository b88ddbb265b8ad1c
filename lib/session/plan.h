// SPDX-License-Identifier: Apache-2.0
// Sizes and admissibility of a session, from metadata alone: known before anything is allocated.
#pragma once

#include "engine/cache.h"
#include "engine/engine.h"
#include "engine/rows.h"
#include "noise/noise.h"
#include "sampler/sampler.h"
#include "schedule/hyperschedule.h"
#include "session/options.h"

#include <memory>
#include <vector>

namespace temper {

// What a session is made of; all immutable.
struct SessionParts {
  std::shared_ptr<const Model> model;
  Hyperschedule schedule;
  Noise noise;
  Sampler sampler;
  std::shared_ptr<const std::vector<int32_t>> excluded = nullptr;  // ids that are never drawn, ascending; null: none
};

struct SessionPlan {
  Rules rules;
  EnginePlan engine;
  CachePlan cache;
  int64_t capacity = 0;      // positions of a sequence, prompt included; -1: unbounded
  bool model_limit = false;  // the trained length cut it short
  bool canvas = false;       // all positions are rows from the start
  bool block_canvas = false; // undecided positions of a begun block are rows
  int64_t align = 0;         // blocks of the hyperschedule begin at multiples of it; 0: behind the prompt
  bool paired = false;       // two runs of the model over each window
  int64_t row_budget = 0;    // rows of one sequence in an ordinary call
  int64_t max_active = 0;    // widest window
  int64_t reach = 0;         // positions behind the settled ones that a step may look at
  int64_t token_room = 0;    // tokens held per sequence

  // The longest prompt; an unbounded sequence also holds what a step looks at.
  int64_t prompt_room() const noexcept { return capacity >= 0 ? capacity : token_room - reach; }
  // Room for a window's positions, and one more.
  size_t window_room() const noexcept { return static_cast<size_t>(max_active) + 1; }
  // Positions of the prompt that the hyperschedule counts as its own.
  int64_t skipped(int64_t prompt) const noexcept { return align > 0 ? prompt % align : 0; }
};

inline constexpr int32_t most_rows = 4096;  // sequences of a session
Status check_rows(int32_t rows);

Result<SessionPlan> plan_session(const Spec &spec, const Hyperschedule &schedule, int32_t rows, int64_t length,
                                 const SessionOptions &options);

// What sequences take beside caches and the engine.
int64_t sequence_bytes(const SessionPlan &plan, int32_t rows) noexcept;
// All of it, for an engine of the session's own.
Result<int64_t> estimate_session(const Model &model, const SessionPlan &plan, int32_t rows);

// The model can follow this schedule, noise and sampler; otherwise the reason.
Status check_parts(const SessionParts &parts, const SessionPlan &plan);

// What the columns of the model's logits mean to the sampler.
HeadDescription describe_head(const Spec &spec);
// With the excluded ids, which the parts keep alive.
HeadDescription describe_head(const Spec &spec, const SessionParts &parts);

}  // namespace temper
