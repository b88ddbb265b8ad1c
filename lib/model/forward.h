// SPDX-License-Identifier: Apache-2.0
// The one place that executes a model: rows in, logits out, keys and values kept by slot.
#pragma once

#include "model/model.h"

#include <atomic>
#include <span>

namespace temper {

// One row of a call (DESIGN 1). Rows of a sequence stand in slot order.
struct Row {
  int32_t token = 0;      // -1: a zero embedding
  int64_t position = 0;   // absolute
  int32_t condition = 0;  // index of its conditioning value
  int32_t sequence = 0;
  int32_t slot = 0;
  int32_t visible_begin = 0;
  int32_t visible_end = 0;
};

// Receives logits in chunks, so that a long window never needs them all in memory at once.
class LogitSink {
 public:
  virtual ~LogitSink() = default;
  // `logits` is [count][columns], host memory, for the logit rows first, first+1, ... It may be changed.
  virtual Status consume(int32_t first, int32_t count, float *logits) = 0;
};

struct ForwardPlan {
  int32_t max_rows = 1;
  int32_t sequences = 1;
  int32_t slots = 1;          // per sequence
  int32_t conditions = 1;
  int64_t position_span = 1;  // positions of one call differ by less than this

  bool operator==(const ForwardPlan &) const = default;
};

class Forward {
 public:
  static Result<std::unique_ptr<Forward>> create(std::shared_ptr<const Model> model, const ForwardPlan &plan);
  // With the model and plan of another one, and the first kept[s] slots of its sequences s. Of these the first
  // lasting[s] will hardly be written again and are shared.
  static Result<std::unique_ptr<Forward>> fork(const Forward &from, std::span<const int32_t> kept,
                                               std::span<const int32_t> lasting);
  static int64_t estimate(const Model &model, const ForwardPlan &plan);

  const Model &model() const noexcept { return *model_; }
  const ForwardPlan &plan() const noexcept { return plan_; }
  // What it took; a fork doesn't count what it shares.
  int64_t bytes() const noexcept { return bytes_; }

  // Conditioning values by index: sigma or t as the model's Spec wants it. At most plan.conditions.
  Status set_conditions(std::span<const double> values);

  void clear() noexcept { count_ = 0; }
  // False when the call is full.
  bool add(const Row &row) noexcept;
  int32_t count() const noexcept { return count_; }

  // Runs the rows added since clear(). logit_rows: indices of rows whose logits are wanted, ascending.
  // With none, the call only fills the cache. `cancel` is looked at between layers.
  Status run(std::span<const int32_t> logit_rows, LogitSink *sink, const std::atomic<bool> *cancel);

  // Moves a sequence's slots [from, from+count) to [to, to+count).
  Status move_slots(int32_t sequence, int32_t from, int32_t to, int32_t count);

  // For work on logits by the runtime's threads.
  int32_t workers() const noexcept;
  Status parallel(temper_task_fn task, void *argument, int32_t count);

 private:
  Forward() = default;
  static Result<std::unique_ptr<Forward>> make(std::shared_ptr<const Model> model, const ForwardPlan &plan,
                                               std::vector<Lane> lanes, int64_t shared);
  Status allocate();
  Status fill_rotary(int64_t base);
  Status run_layer(size_t index, bool keys_only);
  Status run_head(std::span<const int32_t> logit_rows, LogitSink &sink, const std::atomic<bool> *cancel);
  temper_modulation modulation(size_t layer, int shift, int scale, int gate) const noexcept;

  std::shared_ptr<const Model> model_;
  ForwardPlan plan_;
  int64_t bytes_ = 0;
  int32_t logit_chunk_ = 0;

  Stream stream_;
  std::vector<Lane> lanes_;  // one per sequence
  DeviceBuffer x_, normed_, qkv_, attended_, hidden_, logits_;
  DeviceBuffer rotary_cos_, rotary_sin_;
  int64_t rotary_base_ = 0, rotary_span_ = 0;
  std::vector<DeviceBuffer> modulations_;  // per layer [conditions][6 width], then the head's
  DeviceBuffer mix_;                       // [conditions]
  DeviceBuffer condition_in_;              // [chunk][condition_width]
  std::vector<double> condition_values_;

  int32_t count_ = 0;
  int64_t lowest_position_ = 0, highest_position_ = 0;
  std::vector<int64_t> positions_;
  std::vector<int32_t> tokens_, relative_, conditions_, slots_, begins_, ends_;
  std::vector<temper_lane *> row_lanes_;
};

}  // namespace temper
