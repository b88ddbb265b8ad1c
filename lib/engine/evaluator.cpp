// SPDX-License-Identifier: Apache-2.0
#include "engine/evaluator.h"

#include <algorithm>
#include <cstring>

namespace temper {
namespace {

constexpr int32_t first_conditions = 16;  // an engine makes room for more when there are more
// As sessions have them (lanes; slots and rows): what is beyond would only be found out when memory is gone.
constexpr int32_t most_sequences = 4096, most_rows = 1 << 30;

class CopyLogits final : public LogitReader {
 public:
  CopyLogits(float *out, int64_t columns) : out_(out), columns_(columns) {}
  Status read(int32_t first, int32_t count, float *logits, const Threads &) override {
    std::memcpy(out_ + first * columns_, logits, static_cast<size_t>(count * columns_) * sizeof(float));
    return Status();
  }

 private:
  float *out_;
  int64_t columns_;
};

}  // namespace

Result<std::unique_ptr<Evaluator>> Evaluator::create(std::shared_ptr<const Model> model, int32_t sequences,
                                                     int32_t max_rows, int32_t slots) {
  if (sequences < 1 || max_rows < 1 || slots < 1)
    return Status(TEMPER_E_ARGUMENT, "sequences, rows and slots must be at least 1");
  if (sequences > most_sequences || max_rows > most_rows || slots > most_rows)
    return fail(TEMPER_E_ARGUMENT, "at most %d sequences of %d slots in calls of %d rows", most_sequences, most_rows,
                most_rows);
  std::unique_ptr<Evaluator> evaluator(new Evaluator());
  TEMPER_ASSIGN(evaluator->cache_, Cache::create(model, {.lanes = sequences, .slots = slots}));
  evaluator->positions_ = model->spec().rotary ? std::max<int64_t>(slots, model->spec().max_positions)
                                               : model->spec().max_positions;
  // Every row may have its own noise.
  TEMPER_ASSIGN(evaluator->engine_, Engine::create(std::move(model), {.max_rows = max_rows,
                                                                      .max_wanted = max_rows,
                                                                      .max_slots = slots,
                                                                      .conditions = std::min(max_rows, first_conditions),
                                                                      .position_span = slots}));
  evaluator->max_rows_ = max_rows;
  evaluator->kept_.assign(static_cast<size_t>(sequences), 0);
  evaluator->used_ = evaluator->counted_ = evaluator->kept_;
  evaluator->values_.reserve(static_cast<size_t>(max_rows));
  return evaluator;
}

Status Evaluator::check(std::span<const temper_x_row> rows, size_t capacity) {
  const Spec &spec = engine_->model()->spec();
  const CachePlan &lanes = cache_.plan();
  if (rows.size() > static_cast<size_t>(max_rows_))
    return fail(TEMPER_E_ARGUMENT, "%zu rows in a call planned for %d", rows.size(), max_rows_);
  counted_ = kept_;
  size_t wanted = 0;
  for (const temper_x_row &row : rows) {
    if (row.sequence < 0 || row.sequence >= lanes.lanes)
      return fail(TEMPER_E_ARGUMENT, "sequence %d of %d", row.sequence, lanes.lanes);
    if (row.token < 0 || row.token >= spec.vocabulary)
      return fail(TEMPER_E_ARGUMENT, "token %d isn't in the vocabulary", row.token);
    if (row.position < 0 || row.position >= positions_)
      return fail(TEMPER_E_ARGUMENT, "position %d of %lld", row.position, static_cast<long long>(positions_));
    if (counted_[static_cast<size_t>(row.sequence)]++ >= lanes.slots)
      return fail(TEMPER_E_ARGUMENT, "sequence %d has more rows than its %d slots", row.sequence, lanes.slots);
    wanted += row.want_logits != 0 ? 1 : 0;
  }
  for (const temper_x_row &row : rows)
    if (row.visible_begin < 0 || row.visible_begin > row.visible_end ||
        row.visible_end > counted_[static_cast<size_t>(row.sequence)])
      return fail(TEMPER_E_ARGUMENT, "slots %d to %d aren't all filled", row.visible_begin, row.visible_end);
  if (wanted > capacity / static_cast<size_t>(spec.columns))
    return fail(TEMPER_E_CAPACITY, "%zu rows of %lld logits don't fit", wanted, static_cast<long long>(spec.columns));
  return Status();
}

Status Evaluator::run(std::span<const temper_x_row> rows, float *logits, size_t capacity) {
  TEMPER_TRY(check(rows, capacity));
  used_ = kept_;  // what a call that fails leaves in slots can't be kept
  counted_ = kept_;
  values_.clear();
  for (const temper_x_row &row : rows) values_.push_back(row.condition);
  // Each row's own noise, as if it were a level's.
  TEMPER_ASSIGN(const LevelConditions conditions, LevelConditions::hold(engine_, values_));
  Call &call = engine_->call();
  call.clear();
  CopyLogits copy(logits, engine_->model()->spec().columns);
  call.set_reader(&copy);
  for (size_t i = 0; i < rows.size(); ++i) {
    const temper_x_row &row = rows[i];
    const int32_t at = call.add({.token = row.token,
                                 .position = row.position,
                                 .condition = conditions.of(static_cast<int32_t>(i)),
                                 .lane = cache_.lane(row.sequence),
                                 .slot = counted_[static_cast<size_t>(row.sequence)]++,
                                 .visible_begin = row.visible_begin,
                                 .visible_end = row.visible_end});
    if (row.want_logits != 0) (void)call.want(at);
  }
  const Status status = engine_->run(nullptr);
  call.clear();
  TEMPER_TRY(status);
  std::swap(used_, counted_);
  return Status();
}

Status Evaluator::keep(int32_t sequence, int32_t slots) {
  const auto at = static_cast<size_t>(sequence);
  if (sequence < 0 || at >= kept_.size()) return fail(TEMPER_E_ARGUMENT, "no sequence %d", sequence);
  if (slots < 0 || slots > used_[at])
    return fail(TEMPER_E_ARGUMENT, "can't keep %d slots, %d are filled", slots, used_[at]);
  kept_[at] = used_[at] = slots;
  return Status();
}

}  // namespace temper
