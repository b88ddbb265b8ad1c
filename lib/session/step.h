// SPDX-License-Identifier: Apache-2.0
// One step of a session's sequences, call by call.
#pragma once

#include "engine/cache.h"
#include "engine/track.h"
#include "session/frame.h"
#include "session/requests.h"

#include <span>
#include <vector>

namespace temper {

// Where a session's sequences lie: lane i is sequence i's, the lanes behind those are the second runs'.
struct Lanes {
  const Cache &cache;
  const LevelConditions &conditions;

  Track of(const Spec &spec, size_t lane) const noexcept {
    return {cache.lane(static_cast<int32_t>(lane)), &conditions, shares_level(spec)};
  }
};

class Step {
 public:
  Step(const Frame &frame, std::span<Sequence> sequences, Lanes lanes, Requests &requests, StepReport &report);
  ~Step() { put_back(); }
  Step(const Step &) = delete;
  Step &operator=(const Step &) = delete;

  // Lays out the windows of all that run.
  Status begin();
  // Runs the calls that the step takes, one after another.
  Status run(Engine &engine, const std::atomic<bool> *cancel);
  // The caller's choice of candidates; then the outcome becomes the sequences' state.
  Status end();

 private:
  bool wants_logits() const noexcept;
  bool is_idle() const noexcept;
  Status run_windows(Engine &engine, const std::atomic<bool> *cancel);
  Status read_ahead(size_t index, Engine &engine, const std::atomic<bool> *cancel);
  Status add_window(size_t index, Call &call);
  Status add_preview(size_t index, int32_t candidate, Call &call);
  Status add_requests(size_t index, const RowPlan &plan, int32_t first_row, const Companion *companion, Call &call);
  Status run_call(Engine &engine, const std::atomic<bool> *cancel);
  void begin_call(Engine &engine, Purpose purpose, bool pairs);
  void put_back() noexcept;

  const Frame &frame_;
  std::span<Sequence> sequences_;
  Lanes lanes_;
  Requests &requests_;
  StepReport &report_;
};

}  // namespace temper
