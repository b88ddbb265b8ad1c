// SPDX-License-Identifier: Apache-2.0
// A model ready to run: work buffers, positions, conditions, and the one call that is being made. An engine serves any
// number of sessions, scores and evaluators, one thread at a time; what is theirs alone (caches, tokens) isn't here.
// How a call goes through the layers: forward.cpp.
#pragma once

#include "answer/answer.h"
#include "engine/call.h"
#include "engine/conditions.h"
#include "engine/rotary.h"

#include <atomic>
#include <memory>
#include <span>

namespace temper {

// The most that any user needs.
struct EnginePlan {
  int32_t max_rows = 1;       // of a call
  int32_t max_wanted = 1;     // rows of logits of a call
  int32_t max_questions = 0;  // about one of them
  int32_t max_slots = 1;      // of a lane
  int32_t conditions = 1;     // values known at the same time
  int64_t position_span = 1;  // positions whose angles are kept

  bool operator==(const EnginePlan &) const = default;
};

class Engine {
 public:
  static Result<std::shared_ptr<Engine>> create(std::shared_ptr<const Model> model, const EnginePlan &plan);
  static Result<int64_t> estimate(const Model &model, const EnginePlan &plan);

  // Makes room for another user, with all that is known kept. Without memory the engine stays as it was.
  Status reserve(const EnginePlan &plan);

  const std::shared_ptr<const Model> &model() const noexcept { return model_; }
  const EnginePlan &plan() const noexcept { return plan_; }
  // What it takes now.
  int64_t bytes() const;
  const Threads &threads() const noexcept;

  // Conditioning values of a user by index; see Conditions.
  Result<std::vector<int32_t>> hold_conditions(std::span<const double> values);
  void release_conditions(std::span<const int32_t> indices) noexcept { parts_.conditions.release(indices); }

  // The call that is being made. run() leaves it as it is; the next user clears it.
  Call &call() noexcept { return call_; }
  // Scratch memory of a worker for work on rows of logits; there when there is room for questions.
  Workspace &workspace(int32_t worker) noexcept { return parts_.workspaces[static_cast<size_t>(worker)]; }

  // Without wanted rows it only fills caches. `cancel` is looked at between layers.
  Status run(const std::atomic<bool> *cancel);

  // Moves slots [from, from + count) of a lane to [to, to + count).
  Status move_slots(temper_lane *lane, int32_t from, int32_t to, int32_t count);

 private:
  // What depends on the plan.
  struct Parts {
    Stream stream;
    DeviceBuffer x, normed, qkv, attended, hidden, logits;
    HostArray<float> host_logits;  // of a chunk, where a backend's memory isn't the host's
    std::vector<Workspace> workspaces;
    Questions questions;  // of a chunk
    Rotary rotary;
    Conditions conditions;
  };

  Engine() = default;
  static Result<Parts> make_parts(const std::shared_ptr<const Model> &model, const EnginePlan &plan);
  Status run_rows(const std::atomic<bool> *cancel);
  Status run_layer(size_t index, bool keys_only);
  Status run_head(std::span<const int32_t> rows);
  Status take_logits(size_t first, size_t count);
  Status interview(size_t first, size_t count);
  Result<float *> logits_on_host(size_t first, size_t count);
  float offset_of(size_t wanted) const noexcept;
  Status answer_there(size_t first);
  void answer_here(const float *logits);

  std::shared_ptr<const Model> model_;
  EnginePlan plan_;
  Parts parts_;
  Call call_;
  std::unique_ptr<Threads> threads_;
};

}  // namespace temper
